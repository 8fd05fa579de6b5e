import { describe, expect, it } from 'vitest';
import type { Range } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { all, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const CONVERSATIONS = ['g', 'h'].map((name) => encodeTimelineId(name));

/** Counts the entries of conversations that one call asks for. */
async function entriesRead<T>({ faults }: Process, call: () => Promise<T>): Promise<{ result: T; entries: number }> {
  let entries = 0;
  faults.store.before = (method, [ranges]) => {
    if (method !== 'read') return;
    for (const { timeline, limit } of ranges as Range[]) if (CONVERSATIONS.includes(timeline)) entries += limit;
  };
  const result = await call();
  faults.store.before = () => undefined;
  return { result, entries };
}

const message = (sender: string, rest: object = {}) => ({ kind: 'message', sender, body: 'x', ...rest }) as const;

/** Appends to the conversation itself: the fan-out is not what is tested. */
async function fill({ store }: Process, conversation: string, count: number, sender: string, rest = {}): Promise<void> {
  for (let left = count; left > 0; left -= 1000)
    await store
      .timeline(conversation)
      .appendMany(Array.from({ length: Math.min(left, 1000) }, () => message(sender, rest)));
}

inWorlds(
  'unread messages',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('are those of others that were not recalled, also in the totals, with their mentions', async () => {
        const world = await open();
        const { sync, ...process } = await world.start({ diffusion: MODES[mode]() });
        for (const name of ['g', 'h', 'i']) await world.join({ sync, ...process }, name, 'ann', 'bob', 'cat');
        const first = await say(sync, 'g', 'ann', 'one');
        await say(sync, 'g', 'bob', 'own');
        for (const [conversation, mentions] of [
          ['g', ['bob']],
          ['g', ['bob', 'cat']],
          ['h', ['cat']],
        ] as const)
          await (await sync.send({ conversation, sender: 'ann', body: 'm', mentions: [...mentions] })).delivered;
        const pin = { conversation: 'i', sender: 'ann', body: 'pin', countable: false, mentions: ['bob'] };
        await (await sync.send(pin)).delivered;
        const taken = await say(sync, 'h', 'ann', 'taken back');
        await (await sync.recall('h', taken)).delivered;
        const counts = async () =>
          new Map(
            (await all(sync.conversations('bob'))).map((each) => [each.conversation, [each.unread, each.mentions]]),
          );
        expect(await counts()).toEqual(
          new Map([
            ['g', [3, 2]],
            ['h', [1, 0]],
            ['i', [0, 0]],
          ]),
        );
        expect(await sync.unread('bob')).toEqual({ messages: 4, mentions: 2, conversations: 2, capped: false });
        await sync.markRead('bob', 'g', first);
        expect(await sync.unread('bob')).toEqual({ messages: 3, mentions: 2, conversations: 2, capped: false });
        await sync.configure('bob', 'g', { muted: true });
        expect(await sync.unread('bob')).toEqual({ messages: 1, mentions: 0, conversations: 1, capped: false });
        await sync.configure('bob', 'g', { muted: false, archived: true });
        expect(await sync.unread('bob')).toMatchObject({ messages: 1, conversations: 1 });
        await sync.configure('bob', 'g', { archived: false });
        expect(await sync.unread('bob')).toMatchObject({ messages: 3, conversations: 2 });
        await world.leave({ sync, ...process }, 'h', 'bob');
        expect(await sync.unread('bob')).toMatchObject({ messages: 2, conversations: 1 });
      });
    });

    it('are counted up to the bound exactly, and no further', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      for (const name of ['g', 'h']) await world.join(process, name, 'ann', 'bob');
      await say(sync, 'g', 'ann', '1', '2', '3');
      await say(sync, 'h', 'ann', '1', '2');
      const list = async (atMost: number) =>
        (await all(sync.conversations('bob', { atMost })))
          .sort((a, b) => (a.conversation < b.conversation ? -1 : 1))
          .map(({ unread, capped }) => [unread, capped]);
      expect(await list(2)).toEqual([
        [2, true],
        [2, false],
      ]);
      expect(await list(3)).toEqual([
        [3, false],
        [2, false],
      ]);
      for (const [atMost, messages, capped] of [
        [1, 1, true],
        [3, 3, true],
        [4, 4, true],
        [5, 5, false],
        [6, 5, false],
      ] as const)
        expect(await sync.unread('bob', { atMost }), `at most ${atMost}`).toMatchObject({ messages, capped });
      for (const atMost of [0, -1, 1.5]) await expect(sync.unread('bob', { atMost })).rejects.toThrow('atMost');
    });

    it('that are behind many entries that do not count are not searched for to the end', async () => {
      const world = await open();
      const process = await world.start();
      for (const name of ['g', 'h']) await world.join(process, name, 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      await say(process.sync, 'h', 'ann', 'one', 'two');
      await fill(process, 'g', 4000, 'ann', { countable: false });
      await fill(process, 'g', 6000, 'bob');
      await fill(process, 'g', 1, 'ann');
      const list = await entriesRead(process, () => all(process.sync.conversations('bob')));
      const g = list.result.find(({ conversation }) => conversation === 'g');
      expect(g).toMatchObject({ unread: 1, capped: true, last: { body: 'x' } });
      expect(list.entries).toBeLessThan(8000);
      const totals = await entriesRead(process, () => process.sync.unread('bob'));
      expect(totals.result).toEqual({ messages: 3, mentions: 0, conversations: 2, capped: true });
      expect(totals.entries).toBeLessThan(8000);
    });
  },
  { core: true },
);

inWorlds('unread messages', (open) => {
  it('of a conversation with 100,000 are counted as fast as of one with a thousand', async () => {
    const world = await open();
    const process = await world.start();
    await world.join(process, 'g', 'ann', 'bob');
    await fill(process, 'g', 100_000, 'ann');
    const list = await entriesRead(process, () => all(process.sync.conversations('bob')));
    expect(list.result).toMatchObject([{ unread: 999, capped: true }]);
    expect(list.entries).toBeLessThan(1100);
    const few = await entriesRead(process, () => all(process.sync.conversations('bob', { atMost: 99 })));
    expect(few.result).toMatchObject([{ unread: 99, capped: true }]);
    expect(few.entries).toBeLessThan(150);
    const totals = await entriesRead(process, () => process.sync.unread('bob', { atMost: 99 }));
    expect(totals.result).toEqual({ messages: 99, mentions: 0, conversations: 1, capped: true });
    expect(totals.entries).toBeLessThan(150);
  }, 60_000);
});
