import { describe, expect, it } from 'vitest';
import { relatedMessages } from '../../sync/conversations/related-messages.js';
import { all, drain, numbered, say, take } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

inWorlds(
  'what is not only a message',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('relates, mentions, and does not count', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const target = await say(sync, 'g', 'ann', 'hello');
        const sent = [];
        for (const [sender, body] of [
          ['bob', 'x'],
          ['bob', 'y'],
          ['cat', 'z'],
          ['cat', 'w'],
        ] as const) {
          const reaction = { conversation: 'g', sender, body, countable: false, relatesTo: target };
          sent.push(await sync.send({ ...reaction, mentions: ['ann', 'ann'] }));
          await sent.at(-1)!.delivered;
        }
        await (await sync.recall('g', sent[3]!.seqId)).delivered;
        const related = await relatedMessages(process.store, 'g', [target, target + 1n]);
        expect([...related.keys()]).toEqual([target]);
        expect(related.get(target)!.map(({ message }) => message.body)).toEqual(['y', 'z']);
        const heard = await drain(sync.device('ann', 'phone'));
        expect(heard.find(({ body }) => body === 'y')).toMatchObject({
          countable: false,
          relatesTo: target,
          mentions: ['ann'],
        });
        const [summary] = await all(sync.conversations('ann'));
        expect(summary).toMatchObject({ unread: 0, mentions: 0, last: { seqId: target, body: 'hello' } });
        const { messages } = await sync.messages('g', { user: 'ann' });
        expect(messages).toMatchObject([{ body: 'hello', related: [{ body: 'y' }, { body: 'z' }] }]);
        const missing = sync.send({ conversation: 'g', sender: 'bob', body: 'x', relatesTo: target + 1000n });
        await expect(missing).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
      });

      it('changes the list while it is watched', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode](), pollMs: 20 });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const before = await say(sync, 'g', 'ann', 'before');
        const changes = sync.conversationChanges('bob')[Symbol.asyncIterator]();
        expect(await all(sync.conversations('bob'))).toMatchObject([{ unread: 1, last: { body: 'before' } }]);
        await say(sync, 'g', 'ann', 'after');
        expect((await changes.next()).value).toMatchObject({ conversation: 'g', unread: 2, last: { body: 'after' } });
        await sync.markRead('bob', 'g', before);
        expect((await changes.next()).value).toMatchObject({ readSeqId: before, unread: 1 });
        await sync.configure('bob', 'g', { muted: true });
        expect((await changes.next()).value).toMatchObject({ settings: { muted: true } });
        await world.leave(process, 'g', 'bob');
        for (;;) {
          const { value } = await changes.next();
          if (value.left) break;
        }
        await changes.return?.();
      });
    });

    it('lists pages in order, pinned first, and counts up to a bound', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      const names = numbered(7, 'c');
      for (const name of names) {
        await world.join(process, name, 'ann', 'bob');
        world.now += 1000;
        await say(sync, name, 'ann', 'one', 'two', 'three');
      }
      await sync.configure('bob', 'c2', { pinned: true });
      const whole = (await all(sync.conversations('bob'))).map(({ conversation }) => conversation);
      expect(whole).toEqual(['c2', 'c6', 'c5', 'c4', 'c3', 'c1', 'c0']);
      const paged: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await all(sync.conversations('bob', { limit: 2, after, atMost: 2 }));
        for (const { unread, capped } of page) expect([unread, capped]).toEqual([2, true]);
        if (page.length === 0) break;
        paged.push(...page.map(({ conversation }) => conversation));
        after = page.at(-1)!.next;
      }
      expect(paged).toEqual(whole);
      expect(await sync.unread('bob')).toEqual({ messages: 21, mentions: 0, conversations: 7, capped: false });
      expect(await sync.unread('bob', { atMost: 4 })).toMatchObject({ messages: 4, capped: true });
      await sync.configure('bob', 'c0', { archived: true });
      expect(await sync.unread('bob')).toMatchObject({ messages: 18, conversations: 6 });
      expect(await sync.readPositions('c0')).toEqual(
        new Map([
          ['ann', 0n],
          ['bob', 0n],
        ]),
      );
    });

    it('announces settings whose process died before the inbox had them', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const dying = await world.start();
      dying.faults.sync.before = (method) => {
        if (method === 'append') dying.crash();
      };
      dying.sync.configure('bob', 'g', { muted: true }).catch(() => undefined);
      await expect.poll(() => dying.faults.sync.isDead).toBe(true);
      const heard = take(process.sync.device('bob', 'phone').subscribe(), 1);
      expect(await all(process.sync.conversations('bob'))).toMatchObject([{ settings: { muted: true } }]);
      expect(await heard).toMatchObject([{ kind: 'settings', settings: { muted: true, pinned: false } }]);
    });
  },
  { core: true },
);
