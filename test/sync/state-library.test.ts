import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import { createSync, type Stored, type Synced, timelineDirectory, writeDiffusion } from '../../sync/index.js';
import { all, drain, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const DAY = 24 * 3600 * 1000;
const YEAR = 365 * DAY;
const STORE_TTL = 30 * DAY;

const refusal = (argument: string) => expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT', argument });

describe('the state library', () => {
  async function libraries() {
    const adapter = memoryAdapter();
    const open = <M>(name: string, ttlMs?: number) => openTimelineStore<M>({ adapter, name, ttlMs });
    return {
      store: await open<Stored<string>>('store', STORE_TTL),
      kept: await open<Stored<string>>('kept'),
      other: await open<Stored<string>>('other', YEAR),
      sync: await open<Synced<string>>('sync', DAY),
    };
  }

  it('is required where messages expire, and has no TTL itself', async () => {
    const { store, kept, other, sync } = await libraries();
    const base = { store, sync, directory: timelineDirectory({ store: kept }), diffusion: writeDiffusion() };
    expect(() => createSync(base)).toThrow(refusal('state'));
    expect(() => createSync({ ...base, state: store })).toThrow(refusal('state'));
    expect(() => createSync({ ...base, state: other })).toThrow(refusal('state'));
    expect(() => createSync({ ...base, state: sync as never })).toThrow(refusal('state'));
    expect(() => createSync({ ...base, state: {} as never })).toThrow(refusal('state'));
    await createSync({ ...base, state: kept }).close();
    await createSync({ ...base, store: kept }).close();
  });

  it('is needed for a directory, too', async () => {
    const { store } = await libraries();
    expect(() => timelineDirectory({ store })).toThrow(refusal('store'));
  });

  it('has to support keys and checkpoints', async () => {
    const { store, kept, sync } = await libraries();
    const lacking = {
      ...kept,
      appendToMany: kept.appendToMany,
      capabilities: { ...kept.capabilities, keyWindowMs: 0 },
    };
    const options = { store, sync, directory: timelineDirectory({ store: kept }), diffusion: writeDiffusion() };
    expect(() => createSync({ ...options, state: lacking as never })).toThrow(
      expect.objectContaining({ code: 'TIMELINE_UNSUPPORTED', capability: 'keyWindowMs' }),
    );
  });

  it('holds all Timelines of the library: the store library has conversations only', async () => {
    const { store, kept, sync } = await libraries();
    const messages = createSync<string>({
      ...{ store, sync, state: kept, diffusion: MODES.hybrid() },
      directory: timelineDirectory({ store: kept }),
    });
    await (await messages.join('group', ['ann', 'bob', 'cem'])).delivered;
    await say(messages, 'group', 'ann', 'one');
    await drain(messages.device('bob', 'phone'));
    await messages.close();
    expect(await all(store.timelines())).toEqual(['group']);
    const owners = (await all(kept.timelines())).map((id) => (Array.isArray(id) ? id[0] : id));
    expect([...new Set(owners)].sort()).toEqual(['device', 'devices', 'members', 'memberships', 'modes', 'pending']);
  });
});

for (const [mode, diffusion] of Object.entries(MODES)) {
  inWorlds(
    `messages that expire, ${mode}`,
    (open) => {
      async function begin(): Promise<{ world: World; before: Process; later: () => Promise<Process> }> {
        const world = await open({ storeTtlMs: STORE_TTL, ttlMs: 7 * DAY });
        const before = await world.start({ diffusion: diffusion() });
        await world.join(before, 'small', 'ann', 'bob');
        await world.join(before, 'large', 'ann', 'bob', 'cem', 'dan');
        for (const each of ['small', 'large']) await say(before.sync, each, 'ann', 'old');
        await drain(before.sync.device('bob', 'phone'));
        await before.sync.close();
        return { world, before, later: () => world.start({ diffusion: diffusion() }) };
      }

      it('a year after the join, members get everything, on old devices and on new ones', async () => {
        const { world, later } = await begin();
        world.now += YEAR;
        const { sync } = await later();
        for (const each of ['small', 'large']) await say(sync, each, 'ann', `new in ${each}`);
        for (const device of ['phone', 'tablet'])
          expect(shortly(await drain(sync.device('bob', device))).sort()).toEqual(['new in large', 'new in small']);
        expect(shortly(await drain(sync.device('cem', 'phone', { start: { last: 5 } })))).toEqual(['new in large']);
        const unread = await all(sync.conversations('bob'));
        expect(unread.map((each) => [each.conversation, each.unread, each.last?.body]).sort()).toEqual([
          ['large', 1, 'new in large'],
          ['small', 1, 'new in small'],
        ]);
        for (const each of ['small', 'large']) await say(sync, each, 'bob', `again in ${each}`);
        expect(
          shortly(await drain(sync.device('ann', 'phone'))).filter((each) => each.startsWith('again')),
        ).toHaveLength(2);
      });

      it('a year later, with all entries expired, lists, devices and recovery know the conversations', async () => {
        const { world, later } = await begin();
        world.now += YEAR;
        const { sync } = await later();
        expect(await sync.recover()).toEqual({ resumed: 0 });
        const listed = await all(sync.conversations('bob'));
        expect(listed.map(({ conversation, unread, last }) => [conversation, unread, last])).toEqual(
          expect.arrayContaining([
            ['large', 0, undefined],
            ['small', 0, undefined],
          ]),
        );
        const laptop = sync.device('bob', 'laptop', { start: 'now' });
        expect(await drain(laptop)).toEqual([]);
        for (const each of ['small', 'large']) await say(sync, each, 'ann', each);
        expect(shortly(await drain(laptop)).sort()).toEqual(['large', 'small']);
      });
    },
    { only: () => true },
  );
}
