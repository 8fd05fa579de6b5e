import { describe, expect, it } from 'vitest';
import { all, numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

/** The entry of one conversation in the list. */
async function entryOf({ sync }: Process, user: string, conversation = 'g') {
  return (await all(sync.conversations(user))).find((each) => each.conversation === conversation)!;
}

const unread = async (process: Process, user: string) => (await entryOf(process, user)).unread;

inWorlds('the conversation list', (open) => {
  describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
    const diffusion = MODES[mode]();

    it('shows the one with the newest message first, and of each the last message', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      for (const conversation of ['g', 'h', 'i']) await world.join(process, conversation, 'ann', 'bob');
      for (const [conversation, body] of [
        ['g', 'g1'],
        ['h', 'h1'],
        ['g', 'g2'],
      ] as const) {
        world.now += 1000;
        await say(process.sync, conversation, 'ann', body);
      }
      const list = await all(process.sync.conversations('bob'));
      expect(list.map(({ conversation }) => conversation)).toEqual(['g', 'h', 'i']);
      expect(list.map(({ last }) => last?.body)).toEqual(['g2', 'h1', undefined]);
      const head = await process.store.timeline('g').head();
      const { last, lastSeqId, readSeqId, unread: count } = list[0]!;
      expect(last).toEqual({ seqId: last!.seqId, sender: 'ann', body: 'g2', sentAt: world.now });
      expect([lastSeqId, readSeqId, count]).toEqual([head.lastSeqId, 0n, 2]);
      expect(await all(process.sync.conversations('nobody'))).toEqual([]);
    });

    it('gives one summary as the list has it', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      const { sync } = process;
      for (const conversation of ['g', 'h']) await world.join(process, conversation, 'ann', 'bob');
      const first = await say(sync, 'g', 'ann', 'one');
      await say(sync, 'g', 'ann', 'two', 'three');
      await sync.markRead('bob', 'g', first);
      await sync.configure('bob', 'g', { pinned: true });
      for (const conversation of ['g', 'h'])
        expect(await sync.conversation('bob', conversation)).toEqual(await entryOf(process, 'bob', conversation));
      expect(await sync.conversation('bob', 'g')).toMatchObject({ unread: 2, readSeqId: first });
      expect(await sync.conversation('eve', 'g')).toBeUndefined();
      expect(await sync.conversation('bob', 'none')).toBeUndefined();
    });

    it('counts what others said and nobody took back, and nothing else', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      const { sync } = process;
      await world.join(process, 'g', 'ann', 'bob');
      await say(sync, 'g', 'bob', 'own');
      const first = await say(sync, 'g', 'ann', 'one');
      const second = await say(sync, 'g', 'ann', 'two');
      await (await sync.edit('g', first, 'ONE')).delivered;
      expect([await unread(process, 'bob'), await unread(process, 'ann')]).toEqual([2, 1]);
      await (await sync.recall('g', second)).delivered;
      await world.join(process, 'g', 'cat');
      expect([await unread(process, 'bob'), await unread(process, 'ann')]).toEqual([1, 1]);
      await sync.markRead('bob', 'g', first);
      expect(await unread(process, 'bob')).toBe(0);
      await say(sync, 'g', 'ann', 'three');
      expect(await unread(process, 'bob')).toBe(1);
    });

    it('counts exactly over more than a page, and over gaps that deletions left', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      await world.join(process, 'g', 'ann', 'bob');
      const sent: bigint[] = [];
      for (const body of numbered(60)) {
        const { seqId } = await process.sync.send({
          conversation: 'g',
          sender: body.endsWith('7') ? 'bob' : 'ann',
          body,
        });
        sent.push(seqId);
      }
      for (const i of [0, 10, 20, 59]) await process.store.timeline('g').delete(sent[i]!);
      expect(await unread(process, 'bob')).toBe(60 - 6 - 4);
      expect((await entryOf(process, 'bob')).last?.body).toBe('m58');
      await process.sync.markRead('bob', 'g', sent[30]!);
      expect(await unread(process, 'bob')).toBe(29 - 3 - 1);
    });

    it('finds the last message behind any number of edits', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      await world.join(process, 'g', 'ann', 'bob');
      const seqId = await say(process.sync, 'g', 'ann', 'first');
      for (const body of numbered(8)) await (await process.sync.edit('g', seqId, body)).delivered;
      expect(await entryOf(process, 'bob')).toMatchObject({ unread: 1, last: { seqId, body: 'm7' } });
      await (await process.sync.recall('g', seqId)).delivered;
      const { last } = await entryOf(process, 'bob');
      expect(last).toMatchObject({ seqId, sender: 'ann' });
      expect(last).not.toHaveProperty('body');
    });
  });

  it('numbers a thousand conversations without a request for each', async () => {
    const world = await open();
    const process = await world.start();
    const names = numbered(1000, 'c');
    const directory = { members: () => ['ann', 'bob'], conversations: () => names };
    const listing = await world.start({ directory });
    await Promise.all(names.map((name, i) => (i % 10 === 0 ? say(process.sync, name, 'ann', name) : undefined)));
    let calls = 0;
    listing.faults.store.before = () => void calls++;
    const list = await all(listing.sync.conversations('bob'));
    expect(list).toHaveLength(1000);
    expect(list.filter((each) => each.unread === 1)).toHaveLength(100);
    expect(calls).toBeLessThan(60);
  });
});
