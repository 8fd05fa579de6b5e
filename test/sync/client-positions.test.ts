import { expect, it } from 'vitest';
import type { Device, SyncMessage } from '../../sync/index.js';
import { numbered, say, shortly, take } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const WEEK = 7 * 24 * 3600 * 1000;

/** Reads to the end from a position that the client keeps. */
async function catchUp(device: Device<string>, after: string, limit = 100) {
  const messages: SyncMessage<string>[] = [];
  let resyncs = 0;
  for (;;) {
    const page = await device.pull({ after, limit });
    messages.push(...page.messages);
    if (page.resynced) resyncs++;
    after = page.cursor;
    if (page.upToDate) return { messages, after, resyncs };
  }
}

/** The Timelines and checkpoints that a device leaves behind. */
async function traces({ store, inboxes }: Process): Promise<unknown[]> {
  const heads = await store.heads([
    ['device', 'bob', 'tab'],
    ['pages', 'bob', 'tab'],
  ]);
  const checkpoint = await inboxes.timeline('bob').checkpoint('device:tab').get();
  return [...heads.map(({ lastSeqId }) => lastSeqId), checkpoint];
}

inWorlds(
  'a position that the client keeps',
  (open, { directory }) => {
    it.each(['write', 'read', 'hybrid'] as const)('misses and repeats nothing, in any process (%s)', async (mode) => {
      const world = await open();
      const diffusion = MODES[mode]();
      const process = await world.start({ diffusion });
      const other = await world.start({ diffusion });
      await world.join(process, 'g', 'ann', 'bob', 'cat');
      await world.join(process, 'h', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', ...numbered(4, 'g'));
      await say(process.sync, 'h', 'ann', ...numbered(4, 'h'));
      const first = await catchUp(process.sync.device('bob', 'tab'), '', 3);
      expect(shortly(first.messages).sort()).toEqual([...numbered(4, 'g'), ...numbered(4, 'h')]);
      await say(process.sync, 'g', 'ann', 'g4');
      const again = async () => shortly((await catchUp(other.sync.device('bob', 'tab'), first.after)).messages);
      expect(await again()).toEqual(['g4']);
      expect(await again()).toEqual(['g4']);
      expect(await traces(process)).toEqual([0n, 0n, undefined]);
      const { messages } = await other.sync.device('bob', 'tab').pull({ after: '' });
      for (const [i, { cursor }] of messages.entries()) {
        const rest = await process.sync.device('bob', 'tab').pull({ after: cursor });
        expect(shortly(rest.messages).sort()).toEqual(shortly(messages.slice(i + 1)).sort());
      }
      const [heard] = await take(process.sync.device('bob', 'tab').subscribe({ after: first.after }), 1);
      expect(shortly([heard!])).toEqual(['g4']);
      await expect(process.sync.device('bob', 'tab').ack(heard!.cursor)).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_CURSOR',
      });
    });

    it('begins as start says', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.hybrid() });
      await world.join(process, 'g', 'ann', 'bob', 'cat');
      await world.join(process, 'h', 'ann', 'bob');
      for (const name of ['g', 'h']) await say(process.sync, name, 'ann', ...numbered(3, name));
      const now = await catchUp(process.sync.device('bob', 'tab', { start: 'now' }), '');
      expect(now.messages).toEqual([]);
      const last = await catchUp(process.sync.device('bob', 'tab', { start: { last: 1 } }), '');
      expect(shortly(last.messages).sort()).toEqual(['g2', 'h2']);
      for (const name of ['g', 'h']) await say(process.sync, name, 'ann', `${name} later`);
      for (const { after } of [now, last]) {
        const rest = await catchUp(process.sync.device('bob', 'tab'), after);
        expect(shortly(rest.messages).sort()).toEqual(['g later', 'h later']);
      }
      expect(await traces(process)).toEqual([0n, 0n, undefined]);
    });

    it('takes 16 bytes for each followed conversation, and is refused above 4 KiB', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      const names = numbered(600, 'c'.repeat(96));
      const join = (some: readonly string[]) =>
        Promise.all(some.map((name) => world.join(process, name, 'ann', 'bob')));
      const speak = (some: readonly string[]) => Promise.all(some.map((name) => say(process.sync, name, 'ann', 'x')));
      const tab = process.sync.device('bob', 'tab');
      const { length: constant } = (await tab.pull({ after: '' })).cursor;
      await join(names.slice(0, 200));
      await speak(names.slice(0, 200));
      const { messages, after } = await catchUp(tab, '', 1000);
      expect(messages).toHaveLength(200);
      expect(after.length).toBeLessThanOrEqual(constant + 8 + 16 * 200);
      await join(names.slice(200));
      await speak(names.slice(200));
      await expect(catchUp(tab, after, 1000)).rejects.toMatchObject({ code: 'TIMELINE_TOO_LARGE', limit: 4096 });
      expect((await tab.pull({ limit: 1000 })).messages.length).toBe(600);
    });

    it('is refused from another user, of a stored position, forged, or of another type', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      const tab = process.sync.device('bob', 'tab');
      const own = (await tab.pull({ after: '' })).cursor;
      const [version, signature] = own.split('.');
      const refused = [
        (await process.sync.device('ann', 'tab').pull({ after: '' })).cursor,
        (await tab.pull()).cursor,
        `${version}.${signature}.AAAA`,
        `${own}x`,
        'x',
      ];
      for (const after of refused)
        await expect(tab.pull({ after })).rejects.toMatchObject({ code: 'TIMELINE_INVALID_CURSOR', argument: 'after' });
      for (const after of [1, {}, 1n])
        await expect(tab.pull({ after: after as never })).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
      expect(shortly((await process.sync.device('bob', 'other').pull({ after: own })).messages)).toEqual([]);
    });

    it('behind expired inbox entries gets the last of each conversation, then what comes', async () => {
      const world = await open({ ttlMs: WEEK });
      const process = await world.start({ resyncLast: 2 });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'seen');
      const tab = process.sync.device('bob', 'tab');
      const { after } = await catchUp(tab, '');
      await say(process.sync, 'g', 'ann', ...numbered(4));
      world.now += 2 * WEEK;
      await say(process.sync, 'g', 'ann', 'fresh');
      const page = await tab.pull({ after, limit: 1 });
      expect([shortly(page.messages), page.resynced]).toEqual([['m3'], true]);
      expect((await tab.pull({ after })).resynced).toBe(true);
      const rest = await catchUp(tab, page.cursor);
      expect([shortly(rest.messages), rest.resyncs]).toEqual([['fresh'], 0]);
      await say(process.sync, 'g', 'ann', 'later');
      expect(shortly((await catchUp(tab, rest.after)).messages)).toEqual(['later']);
      expect(await traces(process)).toEqual([0n, 0n, undefined]);
    });

    it('follows changes of mode and of members', async () => {
      const world = await open();
      const read = await world.start({ diffusion: MODES.read() });
      await world.join(read, 'g', 'ann', 'bob');
      await world.join(read, 'h', 'ann', 'bob');
      await say(read.sync, 'g', 'ann', 'one');
      const got: string[] = [];
      let after = '';
      const step = async () => {
        const found = await catchUp(read.sync.device('bob', 'tab'), after, 2);
        got.push(...shortly(found.messages));
        after = found.after;
      };
      await step();
      const write = await world.start({ diffusion: MODES.write() });
      await say(write.sync, 'g', 'ann', 'two');
      await step();
      await say(write.sync, 'g', 'ann', 'three');
      await step();
      await world.leave(read, 'h', 'bob');
      await say(read.sync, 'h', 'ann', 'not for bob');
      await step();
      await world.join(read, 'h', 'bob');
      await say(read.sync, 'h', 'ann', 'for bob');
      await step();
      const expected = ['one', 'two', 'three', 'for bob'];
      expect(got.filter((text) => directory === 'kept' || text !== 'not for bob')).toEqual(expected);
    });

    it.skipIf(directory === 'listed').each(['write', 'read'] as const)(
      'gives what came before its user left, in the first messages too (%s)',
      async (mode) => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', ...numbered(4));
        const tab = process.sync.device('bob', 'tab', { start: { last: 3 } });
        const first = await tab.pull({ after: '', limit: 1 });
        expect(shortly(first.messages)).toEqual(['m1']);
        await world.leave(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'not for bob');
        expect(shortly((await catchUp(tab, first.cursor, 1)).messages)).toEqual(['m2', 'm3']);
      },
    );
  },
  { core: true },
);
