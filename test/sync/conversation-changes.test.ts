import { describe, expect, it } from 'vitest';
import type { ConversationSummary } from '../../sync/types.js';
import { until } from '../support/until.js';
import { away } from './support/interposed.js';
import { all, numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const HOUR = 3_600_000;

type Changes = AsyncIterator<ConversationSummary<string>>;

/** Starts a stream that knows its start. */
async function watch({ sync }: Process, user: string): Promise<Changes> {
  const changes = sync.conversationChanges(user)[Symbol.asyncIterator]();
  // A list waits for the start of the streams.
  await all(sync.conversations(user, { limit: 1 }));
  return changes;
}

/** Takes changes until one of the conversation is as expected. Returns all of them. */
async function takeUntil(
  changes: Changes,
  isExpected: (summary: ConversationSummary<string>) => boolean,
): Promise<ConversationSummary<string>[]> {
  const taken: ConversationSummary<string>[] = [];
  for (;;) {
    const { value, done } = await changes.next();
    if (done) throw new Error('the stream has ended');
    taken.push(value);
    if (isExpected(value)) return taken;
  }
}

inWorlds(
  'live changes of the list',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('tell of messages, edits, recalls, read positions, settings, joins and leaves', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode](), pollMs: 20 });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const before = await say(sync, 'g', 'ann', 'before');
        const changes = await watch(process, 'bob');
        expect(await all(sync.conversations('bob'))).toMatchObject([{ unread: 1, last: { body: 'before' } }]);
        const after = await say(sync, 'g', 'ann', 'after');
        await takeUntil(changes, ({ unread, last }) => unread === 2 && last?.body === 'after');
        await (await sync.edit('g', after, 'AFTER')).delivered;
        await takeUntil(changes, ({ last }) => last?.body === 'AFTER' && last.edited === true);
        await sync.markRead('bob', 'g', before);
        await takeUntil(changes, ({ readSeqId, unread }) => readSeqId === before && unread === 1);
        await (await sync.recall('g', after)).delivered;
        await takeUntil(changes, ({ last, unread }) => last?.recalled === true && unread === 0);
        await sync.configure('bob', 'g', { muted: true });
        await takeUntil(changes, ({ settings }) => settings.muted);
        await world.join(process, 'h', 'bob', 'ann');
        await takeUntil(changes, ({ conversation }) => conversation === 'h');
        await world.leave(process, 'g', 'bob');
        await takeUntil(changes, ({ conversation, left }) => conversation === 'g' && left === true);
        await say(sync, 'h', 'ann', 'hi');
        await takeUntil(changes, ({ conversation, last }) => conversation === 'h' && last?.body === 'hi');
        await changes.return?.();
        expect(await changes.next()).toEqual({ done: true, value: undefined });
      });

      it('come as one for a slow reader, however many there were', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode](), pollMs: 20 });
        const { sync } = process;
        const names = numbered(3, 'c');
        for (const name of names) await world.join(process, name, 'ann', 'bob', 'cat');
        const changes = await watch(process, 'bob');
        for (const body of numbered(40)) for (const name of names) await say(sync, name, 'ann', body);
        const isLast = new Set(names);
        const taken = await takeUntil(changes, ({ conversation, unread }) => {
          if (unread === 40) isLast.delete(conversation);
          return isLast.size === 0;
        });
        // Some may have been looked for while the first were sent.
        expect(taken.length).toBeLessThan(12);
        await changes.return?.();
      });
    });

    it('reach another process without its own writes', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start({ pollMs: 20 })];
      await world.join(one, 'g', 'ann', 'bob');
      const changes = await watch(two, 'bob');
      await say(one.sync, 'g', 'ann', 'hi');
      await takeUntil(changes, ({ last }) => last?.body === 'hi');
      await one.sync.configure('bob', 'g', { archived: true });
      await takeUntil(changes, ({ settings }) => settings.archived);
      await changes.return?.();
    });

    it('miss nothing when the inbox has expired before it was read', async () => {
      const world = await open({ ttlMs: HOUR });
      const process = await world.start({ pollMs: 20 });
      await world.join(process, 'g', 'ann', 'bob');
      await world.join(process, 'h', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'old');
      const changes = await watch(process, 'bob');
      // The reader takes nothing while this is written and expires.
      await say(process.sync, 'g', 'ann', 'missed');
      world.now += 2 * HOUR;
      await say(process.sync, 'h', 'ann', 'new');
      const missing = new Set(['missed', 'new']);
      await takeUntil(changes, ({ last }) => {
        missing.delete(String(last?.body));
        return missing.size === 0;
      });
      await changes.return?.();
    });

    it('end with their signal, and with the process', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const controller = new AbortController();
      const aborted = process.sync.conversationChanges('bob', { signal: controller.signal })[Symbol.asyncIterator]();
      const next = aborted.next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ code: 'TIMELINE_ABORTED' });
      const changes = process.sync.conversationChanges('bob')[Symbol.asyncIterator]();
      const pending = changes.next();
      await process.sync.close();
      await expect(pending).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    });

    it('go on after the store was away', async () => {
      const world = await open();
      const process = await world.start({ pollMs: 20 });
      await world.join(process, 'g', 'ann', 'bob');
      const changes = await watch(process, 'bob');
      let failures = 0;
      process.faults.sync.before = (method) => {
        if (method !== 'read' || failures >= 3) return;
        failures++;
        throw away();
      };
      const next = changes.next();
      await until('it has failed', () => failures === 3);
      await say(process.sync, 'g', 'ann', 'hi');
      expect((await next).value).toMatchObject({ last: { body: 'hi' } });
      expect(process.warnings.filter(({ code }) => code === 'changes-wait')).toHaveLength(1);
      await changes.return?.();
    });
  },
  { core: true },
);
