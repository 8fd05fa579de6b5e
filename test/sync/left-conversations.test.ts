import { expect, it } from 'vitest';
import type { Device, SyncMessage } from '../../sync/index.js';
import { all, drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const COUNT = 1000;
const AT_ONCE = 50;

/** Reads to the end; the position is stored, or in the cursor that is returned. */
type CatchUp = () => Promise<{ messages: SyncMessage<string>[]; cursor: string }>;

function stored(device: () => Device<string>): CatchUp {
  return async () => {
    const messages = await drain(device());
    return { messages, cursor: (await device().pull()).cursor };
  };
}

function keptByClient(device: () => Device<string>): CatchUp {
  let cursor = '';
  return async () => {
    const messages: SyncMessage<string>[] = [];
    for (;;) {
      const page = await device().pull({ after: cursor });
      messages.push(...page.messages);
      cursor = page.cursor;
      if (page.upToDate) return { messages, cursor };
    }
  };
}

const POSITIONS = { 'a stored position': stored, 'a position that the client keeps': keptByClient };
const LOG = ['device', 'bob', 'phone'];

/** The conversations in the records of the device's log. */
async function recorded({ store }: Process): Promise<Set<string>> {
  const entries = await all(store.timeline(LOG).scan());
  return new Set(
    entries.flatMap(({ message }) => {
      const { places = [] } = (message as unknown as { state: { places?: [string, string][] } }).state;
      return places.map(([name]) => name);
    }),
  );
}

/** Acknowledges page by page until the device's log was compacted at least twice. */
async function compactTwice(process: Process, catchUp: CatchUp): Promise<void> {
  for (let i = 0; i < 140; i++) {
    await say(process.sync, 'home', 'ann', `more ${i}`);
    await catchUp();
  }
}

inWorlds(
  'conversations that a user has left',
  (open, { store }) => {
    async function begin(mode: keyof typeof MODES, options = {}) {
      const world: World = await open();
      const start = () => world.start({ diffusion: MODES[mode](), ...options });
      const process = await start();
      await world.join(process, 'home', 'ann', 'bob', 'cem');
      /** Its fan-out positions are durable at the end. */
      const inAnother = async (work: (process: Process) => Promise<unknown>) => {
        const other = await start();
        await work(other);
        await other.sync.close();
      };
      return { world, process, start, inAnother };
    }

    for (const [title, position] of Object.entries(POSITIONS)) {
      const isStored = position === stored;

      it.runIf(store === 'memory').each(['read', 'hybrid'] as const)(`leave nothing in ${title} (%s)`, async (mode) => {
        const { world, process, inAnother } = await begin(mode);
        const catchUp = position(() => process.sync.device('bob', 'phone'));
        await say(process.sync, 'home', 'ann', 'hello');
        const { cursor: before } = await catchUp();
        const names = numbered(COUNT, 'a conversation with a name of some length ');
        const got: string[] = [];
        for (let i = 0; i < COUNT; i += AT_ONCE) {
          const some = names.slice(i, i + AT_ONCE);
          await inAnother(async (other) => {
            await Promise.all(some.map((name) => world.join(other, name, 'ann', 'bob', 'cem')));
            await Promise.all(some.map((name) => say(other.sync, name, 'ann', `in ${name}`)));
          });
          got.push(...shortly((await catchUp()).messages));
          await inAnother((other) => Promise.all(some.map((name) => world.leave(other, name, 'bob'))));
          await catchUp();
          await catchUp();
        }
        expect(got.sort()).toEqual(names.map((name) => `in ${name}`).sort());
        if (isStored) await compactTwice(process, catchUp);
        const { cursor } = await catchUp();
        expect(cursor.length).toBeLessThanOrEqual(isStored ? 200 : before.length + 8);
        expect(await recorded(process)).toEqual(new Set(isStored ? ['home'] : []));
      });

      for (const mode of ['write', 'read', 'hybrid'] as const)
        it.each(['all', 'since-joining'] as const)(
          `begin again in ${title} with what is new (${mode}, newcomers: %s)`,
          async (newcomers) => {
            const { world, process, start, inAnother } = await begin(mode, { newcomers });
            const reader = await start();
            const catchUp = position(() => reader.sync.device('bob', 'phone'));
            await world.join(process, 'g', 'ann', 'bob', 'cem');
            await say(process.sync, 'g', 'ann', 'g0', 'g1');
            expect(shortly((await catchUp()).messages)).toEqual(['g0', 'g1']);
            for (let round = 0; round < 3; round++) {
              await inAnother((other) => world.leave(other, 'g', 'bob'));
              expect((await catchUp()).messages).toEqual([]);
              await inAnother((other) => say(other.sync, 'g', 'ann', `between ${round}`));
              if (round === 1 && isStored && store === 'memory') await compactTwice(process, catchUp);
              expect((await catchUp()).messages).toEqual([]);
              await inAnother((other) => world.join(other, 'g', 'bob'));
              await inAnother((other) => say(other.sync, 'g', 'ann', `new ${round}`));
              const expected = newcomers === 'all' ? [`between ${round}`, `new ${round}`] : [`new ${round}`];
              expect(shortly((await catchUp()).messages)).toEqual(expected);
            }
          },
        );
    }

    it.each(store === 'memory' ? [false, true] : [false])(
      'do not come back by an old cursor (long ago: %s)',
      async (isLongAgo) => {
        const { world, process, start, inAnother } = await begin('read');
        const phone = process.sync.device('bob', 'phone');
        await drain(phone);
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'g0', 'g1', 'g2');
        const old = await phone.pull({ limit: 1 });
        expect(shortly(old.messages)).toEqual(['g0']);
        const other = (await start()).sync.device('bob', 'phone');
        expect(shortly(await drain(other))).toEqual(['g0', 'g1', 'g2']);
        await inAnother((leaving) => world.leave(leaving, 'g', 'bob'));
        for (let i = 0; i < 3; i++) expect(await drain(other)).toEqual([]);
        if (isLongAgo) await compactTwice(process, async () => ({ messages: await drain(other), cursor: '' }));
        const acked = other.ack(old.cursor);
        if (isLongAgo) await expect(acked).rejects.toMatchObject({ code: 'TIMELINE_INVALID_CURSOR' });
        else await acked;
        expect(await drain(other)).toEqual([]);
        expect(await drain(phone)).toEqual([]);
        await say(process.sync, 'g', 'ann', 'not for bob');
        expect(await drain(phone)).toEqual([]);
      },
    );

    it('do not come again in a subscription of another process', async () => {
      const { world, process, start, inAnother } = await begin('read', { pollMs: 10 });
      const phone = process.sync.device('bob', 'phone');
      await drain(phone);
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'g0', 'g1', 'g2');
      const stop = new AbortController();
      const stream = phone.subscribe({ signal: stop.signal, pageSize: 1 })[Symbol.asyncIterator]();
      expect(shortly([(await stream.next()).value as SyncMessage<string>])).toEqual(['g0']);
      const other = (await start()).sync.device('bob', 'phone');
      await drain(other);
      await inAnother((leaving) => world.leave(leaving, 'g', 'bob'));
      for (let i = 0; i < 3; i++) expect(await drain(other)).toEqual([]);
      await say(process.sync, 'home', 'ann', 'later');
      expect(shortly([(await stream.next()).value as SyncMessage<string>])).toEqual(['later']);
      stop.abort();
    });
  },
  { only: ({ directory }) => directory === 'kept' },
);
