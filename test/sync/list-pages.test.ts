import { describe, expect, it } from 'vitest';
import type { Range } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import type { ListOptions } from '../../sync/types.js';
import { all, numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const names = async ({ sync }: Process, options: ListOptions = {}) =>
  (await all(sync.conversations('bob', options))).map(({ conversation }) => conversation);

/** The whole list, page by page; `between` is called after each page. */
async function paged(process: Process, limit: number, between: (page: number) => Promise<unknown> = async () => {}) {
  const found: string[] = [];
  let after: string | undefined;
  for (let page = 0; ; page++) {
    const some = await all(process.sync.conversations('bob', { limit, after }));
    if (some.length === 0) return found;
    found.push(...some.map(({ conversation }) => conversation));
    after = some.at(-1)!.next;
    await between(page);
  }
}

/** Counts ranges of conversations that are read, by the limit of the range: 1 for the newest entry only. */
async function rangesRead<T>({ faults }: Process, among: readonly string[], call: () => Promise<T>) {
  const timelines = new Set(among.map((name) => encodeTimelineId(name)));
  const ranges = { newest: 0, tails: 0 };
  faults.store.before = (method, [some]) => {
    if (method !== 'read') return;
    for (const { timeline, limit } of some as Range[])
      if (timelines.has(timeline)) ranges[limit === 1 ? 'newest' : 'tails']++;
  };
  const result = await call();
  faults.store.before = () => undefined;
  return { result, ...ranges };
}

/** Conversations with three messages each, the last the newest. */
async function fill(world: World, process: Process, count: number): Promise<string[]> {
  const conversations = numbered(count, 'c');
  for (const name of conversations) {
    await world.join(process, name, 'ann', 'bob');
    world.now += 1000;
    await say(process.sync, name, 'ann', 'one', 'two', 'three');
  }
  return conversations;
}

inWorlds(
  'pages of the list',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('are those of the whole list: pinned ones first, then the newest', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        await fill(world, process, 7);
        for (const name of ['empty', 'nothing']) await world.join(process, name, 'bob');
        await process.sync.configure('bob', 'c2', { pinned: true });
        await process.sync.configure('bob', 'c4', { pinned: true, archived: true });
        await process.sync.configure('bob', 'c5', { archived: true });
        const whole = ['c4', 'c2', 'c6', 'c5', 'c3', 'c1', 'c0', 'empty', 'nothing'];
        expect(await names(process)).toEqual(whole);
        for (const limit of [1, 2, 9, 20]) expect(await paged(process, limit), `by ${limit}`).toEqual(whole);
        expect(await names(await world.start({ diffusion: MODES[mode]() }), { limit: 3 })).toEqual(whole.slice(0, 3));
        await process.sync.configure('bob', 'c4', { pinned: false });
        world.now += 1000;
        await say(process.sync, 'c0', 'ann', 'four');
        expect((await names(process)).slice(0, 4)).toEqual(['c2', 'c0', 'c6', 'c5']);
        // An edit or a reaction moves nothing.
        world.now += 1000;
        const last = await process.store.timeline('c1').head();
        await (await process.sync.edit('c1', last.lastSeqId, 'EDIT')).delivered;
        const reaction = { conversation: 'c1', sender: 'ann', body: '+1', relatesTo: last.lastSeqId };
        await (await process.sync.send({ ...reaction, countable: false })).delivered;
        const list = await all(process.sync.conversations('bob'));
        expect(list.map(({ conversation }) => conversation)).toEqual([
          ...['c2', 'c0', 'c6', 'c5', 'c4', 'c3', 'c1', 'empty', 'nothing'],
        ]);
        expect(list[6]).toMatchObject({ unread: 3, last: { body: 'EDIT', edited: true, seqId: last.lastSeqId } });
      });

      it('lose and repeat no conversation that stays where it is while others move', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        await fill(world, process, 9);
        const moving = new Set(['c0', 'c4', 'c7']);
        const found = await paged(process, 2, async (page) => {
          world.now += 1000;
          const name = [...moving][page];
          if (name) await say(process.sync, name, 'ann', 'moved');
        });
        const still = found.filter((name) => !moving.has(name));
        expect(still).toEqual(['c8', 'c6', 'c5', 'c3', 'c2', 'c1']);
        // What moves to the front is not met again.
        expect(new Set(found).size).toBe(found.length);
      });
    });

    it('begin only at cursors of a list', async () => {
      const world = await open();
      const process = await world.start();
      await fill(world, process, 1);
      const [{ next } = { next: '' }] = await all(process.sync.conversations('bob'));
      let calls = 0;
      process.faults.store.before = () => void calls++;
      const { cursor } = await process.sync.device('bob', 'phone').pull();
      calls = 0;
      for (const after of ['', 'x', cursor, `${next}x.`, `${next}.x`, next.slice(0, 6), 'l1.W10', 'l1.bnVsbA', 7])
        expect(() => process.sync.conversations('bob', { after: after as string }), String(after)).toThrow(
          expect.objectContaining({ code: 'TIMELINE_INVALID_CURSOR', argument: 'after' }),
        );
      for (const limit of [0, -1, 1.5, '2'])
        expect(() => process.sync.conversations('bob', { limit: limit as number })).toThrow('limit');
      expect(calls).toBe(0);
      expect(await names(process, { after: next })).toEqual([]);
    });

    it('hold a conversation that lost the entries since the join, and all others', async () => {
      const world = await open();
      const memberships = ['g', 'h'].map((conversation) => ({
        conversation,
        joinedAt: 9n,
        from: conversation === 'g' ? 9n : 0n,
      }));
      const directory = { members: () => ['ann', 'bob'], conversations: () => memberships };
      const process = await world.start({ directory });
      for (const name of ['g', 'h']) await say(process.sync, name, 'ann', 'one');
      const list = await all(process.sync.conversations('bob'));
      expect(list).toMatchObject([
        { conversation: 'h', unread: 1, last: { body: 'one' } },
        { conversation: 'g', unread: 0 },
      ]);
      expect(list[1]).not.toHaveProperty('last');
      expect(await process.sync.unread('bob')).toMatchObject({ messages: 1 });
    });

    it('are found without reading the conversations outside of them', async () => {
      const world = await open();
      const process = await world.start();
      const conversations = await fill(world, process, 60);
      const listing = await world.start();
      const page = () => rangesRead(listing, conversations, () => names(listing, { limit: 5 }));
      const newest = conversations.slice(-5).reverse();
      // The newest entry of each, then of five the last messages, among which are the unread ones.
      expect(await page()).toEqual({ result: newest, newest: 60, tails: 5 });
      expect(await page()).toEqual({ result: newest, newest: 0, tails: 5 });
      world.now += 1000;
      await say(process.sync, 'c3', 'ann', 'four');
      expect(await page()).toEqual({ result: ['c3', ...newest.slice(0, 4)], newest: 1, tails: 5 });
    }, 60_000);
  },
  { core: true },
);
