import { describe, expect, it } from 'vitest';
import type { ChatMessage, MessagePage, MessageSync } from '../../sync/index.js';
import { all, numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const bodies = ({ messages }: MessagePage<string>) => messages.map(({ body, recalled }) => (recalled ? '-' : body));

/** All pages from the newest to the oldest, put together in the order of the conversation. */
async function scrollBack(sync: MessageSync<string>, limit: number, user?: string): Promise<ChatMessage<string>[]> {
  const found: ChatMessage<string>[] = [];
  for (let before: string | undefined; ; ) {
    const page = await sync.messages('g', { limit, before, user });
    found.unshift(...page.messages);
    before = page.before;
    if (before === undefined) return found;
    expect(page.messages).toHaveLength(limit);
  }
}

async function scrollForward(sync: MessageSync<string>, limit: number, user?: string): Promise<ChatMessage<string>[]> {
  const found: ChatMessage<string>[] = [];
  for (let after: string | bigint = 0n; ; ) {
    const page: MessagePage<string> = await sync.messages('g', { limit, after, user });
    found.push(...page.messages);
    after = page.after;
    if (page.upToDate) return found;
  }
}

async function start(world: { start(options: object): Promise<Process> }, mode: keyof typeof MODES) {
  return world.start({ diffusion: MODES[mode]() });
}

inWorlds(
  'pages of messages',
  (open, setting) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('leave out the entries between messages, and count messages only', async () => {
        const world = await open();
        const process = await start(world, mode);
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const first = await say(sync, 'g', 'ann', ...numbered(4));
        for (let i = 0; i < 40; i++) await (await sync.edit('g', first, `edit ${i}`)).delivered;
        await say(sync, 'g', 'bob', 'm4', 'm5');
        const newest = await sync.messages('g', { user: 'ann', limit: 3 });
        expect(bodies(newest)).toEqual(['edit 39', 'm4', 'm5']);
        expect(newest).toMatchObject({ upToDate: true });
        const older = await sync.messages('g', { user: 'ann', limit: 3, before: newest.before });
        expect(bodies(older)).toEqual(['m0', 'm1', 'm2']);
        expect(older).toMatchObject({ upToDate: false });
        expect(older.before).toBeUndefined();
        expect(older.truncated).toBeUndefined();
        const newer = await sync.messages('g', { user: 'ann', limit: 3, after: older.after });
        expect(newer).toEqual({ ...newest, after: newer.after });
      });

      it('of any size are the same messages, in both directions', async () => {
        const world = await open();
        const process = await start(world, mode);
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        await say(sync, 'g', 'ann', ...numbered(5));
        await world.leave(process, 'g', 'cat');
        const second = await say(sync, 'g', 'bob', 'b0', 'b1');
        await (await sync.recall('g', second)).delivered;
        await say(sync, 'g', 'ann', 'last');
        await (await sync.edit('g', second - 1n, 'changed', { by: 'bob' })).delivered;
        const expected = ['m0', 'm1', 'm2', 'm3', 'm4', 'changed', undefined, 'last'];
        for (const limit of [1, 2, 3, 7, 8, 9, 50]) {
          for (const found of [await scrollBack(sync, limit, 'ann'), await scrollForward(sync, limit, 'ann')]) {
            expect(found.map(({ body }) => body)).toEqual(expected);
            expect(found[5]).toMatchObject({ kind: 'message', sender: 'bob', edited: true });
            expect(found[6]).toMatchObject({ kind: 'message', sender: 'bob', recalled: true });
          }
        }
        expect(await scrollBack(sync, 3)).toEqual(await scrollBack(sync, 3, 'ann'));
      });

      it('have a cursor for each message, and hold what lies between two', async () => {
        const world = await open();
        const process = await start(world, mode);
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        await say(sync, 'g', 'ann', ...numbered(6));
        const { messages } = await sync.messages('g', { user: 'bob' });
        const [, second, , , fifth] = messages;
        expect(Object.keys(second!)).not.toContain('cursor');
        expect(bodies(await sync.messages('g', { before: fifth!.cursor, limit: 2 }))).toEqual(['m2', 'm3']);
        expect(bodies(await sync.messages('g', { after: second!.cursor, limit: 2 }))).toEqual(['m2', 'm3']);
        const between = await sync.messages('g', { after: second!.seqId, before: fifth!.seqId });
        expect(bodies(between)).toEqual(['m2', 'm3']);
        expect(between).toMatchObject({ upToDate: false });
        const end = await sync.messages('g', { after: messages.at(-1)!.cursor });
        expect(end).toMatchObject({ messages: [], upToDate: true });
        expect(end.before).toBeDefined();
        await say(sync, 'g', 'ann', 'news');
        expect(bodies(await sync.messages('g', { user: 'bob', after: end.after }))).toEqual(['news']);
      });

      it('have edits and recalls that no process has applied yet', async () => {
        const world = await open();
        const process = await start(world, mode);
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const last = await say(process.sync, 'g', 'ann', ...numbered(20));
        const timeline = process.store.timeline('g');
        await timeline.append({ kind: 'edit', sender: 'ann', target: String(last), body: 'newest' });
        await timeline.append({ kind: 'edit', sender: 'ann', target: String(last - 15n), body: 'changed' });
        await timeline.append({ kind: 'recall', sender: 'ann', target: String(last - 1n) });
        process.crash();
        const { sync } = await start(world, mode);
        expect(bodies(await sync.messages('g', { limit: 3 }))).toEqual(['m17', '-', 'newest']);
        const older = await sync.messages('g', { before: last - 14n, limit: 2 });
        expect(bodies(older)).toEqual(['m3', 'changed']);
        expect(older.messages[1]).toMatchObject({ edited: true });
        const forward = await sync.messages('g', { after: last - 2n, limit: 1 });
        expect(forward.messages).toMatchObject([{ kind: 'message', recalled: true }]);
        expect('body' in forward.messages[0]!).toBe(false);
      });
    });

    it('say where entries are gone', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      await world.join(process, 'g', 'ann', 'bob');
      const last = await say(sync, 'g', 'ann', ...numbered(10));
      const seen = await sync.messages('g', { user: 'bob', limit: 4 });
      await process.store.timeline('g').trim({ through: last - 3n });
      const kept = await sync.messages('g', { user: 'bob' });
      expect(bodies(kept)).toEqual(['m7', 'm8', 'm9']);
      expect(kept.before).toBeUndefined();
      expect(kept.truncated).toEqual({ through: last - 3n });
      const behind = await sync.messages('g', { user: 'bob', after: last - 6n, limit: 2 });
      expect(bodies(behind)).toEqual(['m7', 'm8']);
      expect(behind).toMatchObject({ truncated: { through: last - 3n }, upToDate: false });
      const gone = await sync.messages('g', { user: 'bob', before: seen.before });
      expect(gone).toMatchObject({ messages: [], truncated: { through: last - 3n }, upToDate: false });
      expect((await sync.messages('g', { user: 'bob', after: last - 3n })).truncated).toBeUndefined();
      expect(bodies(await sync.messages('g', { user: 'bob', after: gone.after }))).toEqual(['m7', 'm8', 'm9']);
    });

    it('have no deleted messages, and such that do not decode as devices get them', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const last = await say(process.sync, 'g', 'ann', ...numbered(5));
      await process.store.timeline('g').delete(last - 1n);
      const blind = await world.start({
        library: {
          codec: {
            encode: (message: unknown) => JSON.stringify(message),
            decode: (body: unknown) => {
              if (String(body).includes('m2')) throw new Error('no key');
              return JSON.parse(String(body)) as never;
            },
          },
        },
      });
      const { messages } = await blind.sync.messages('g', { user: 'bob' });
      expect(messages.map(({ body, undecodable }) => undecodable ?? body)).toEqual(['m0', 'm1', true, 'm4']);
      expect(messages[2]).toMatchObject({ kind: 'message', sender: '', seqId: last - 2n });
      await process.store.timeline('g').append({ kind: 'recall', sender: 'ann', target: String(last - 2n) });
      expect((await blind.sync.messages('g')).messages[2]).toMatchObject({ recalled: true, sender: 'ann' });
    });

    it('of an empty conversation are empty, and lead to its first message', async () => {
      const world = await open();
      const process = await world.start();
      const empty = await process.sync.messages('g');
      expect(empty).toMatchObject({ messages: [], upToDate: true });
      expect(empty.before).toBeUndefined();
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'first');
      expect(bodies(await process.sync.messages('g', { after: empty.after }))).toEqual(['first']);
    });

    it('refuse positions that are none, before any read', async () => {
      const world = await open();
      const { sync } = await world.start();
      const { cursor } = await sync.history('other').append({ kind: 'message', sender: 'ann', body: 'x' });
      const code = 'TIMELINE_INVALID_ARGUMENT';
      for (const bad of [1, {}, -1n, 1n << 63n] as never[]) {
        await expect(sync.messages('g', { before: bad })).rejects.toMatchObject({ code, argument: 'before' });
        await expect(sync.messages('g', { after: bad })).rejects.toMatchObject({ code, argument: 'after' });
      }
      for (const limit of [0, -1, 10_001, 1.5])
        await expect(sync.messages('g', { limit })).rejects.toMatchObject({ code, argument: 'limit' });
      await expect(sync.messages('g', { user: '' })).rejects.toMatchObject({ code, argument: 'user' });
      await expect(sync.messages('', {})).rejects.toMatchObject({ code, argument: 'conversation' });
      for (const position of ['nonsense', cursor]) {
        await expect(sync.messages('g', { before: position })).rejects.toMatchObject({
          code: 'TIMELINE_INVALID_CURSOR',
        });
        await expect(sync.messages('g', { after: position })).rejects.toMatchObject({
          code: 'TIMELINE_INVALID_CURSOR',
        });
      }
      await expect(sync.messages('g', { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'TIMELINE_ABORTED',
      });
      await sync.close();
      await expect(sync.messages('g')).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    });

    it('show a user what the memberships show', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      await world.join(process, 'g', 'ann');
      await say(sync, 'g', 'ann', 'before');
      await world.join(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'm0', 'm1');
      const keeps = setting.directory === 'kept';
      const seen = keeps ? ['m0', 'm1'] : ['before', 'm0', 'm1'];
      for (const limit of [1, 2, 10]) {
        expect((await scrollBack(sync, limit, 'bob')).map(({ body }) => body)).toEqual(seen);
        expect((await scrollForward(sync, limit, 'bob')).map(({ body }) => body)).toEqual(seen);
      }
      expect(bodies(await sync.messages('g', { user: 'eve' }))).toEqual([]);
      await world.leave(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'after');
      const left = await sync.messages('g', { user: 'bob' });
      expect(bodies(left)).toEqual(keeps ? seen : []);
      expect(left.upToDate).toBe(true);
      if (!keeps) return;
      for (const limit of [1, 2, 10]) {
        expect((await scrollBack(sync, limit, 'bob')).map(({ body }) => body)).toEqual(seen);
        expect((await scrollForward(sync, limit, 'bob')).map(({ body }) => body)).toEqual(seen);
      }
      expect(await sync.messages('g', { user: 'bob', after: left.after })).toMatchObject({
        messages: [],
        upToDate: true,
      });
      await world.join(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'again');
      expect(bodies(await sync.messages('g', { user: 'bob' }))).toEqual(['again']);
      expect(await all(sync.members('g'))).toEqual(expect.arrayContaining(['ann', 'bob']));
    });

    it('show one who comes back what was seen before, where newcomers see all', async () => {
      const world = await open();
      const process = await world.start({ newcomers: 'all' });
      const { sync } = process;
      await world.join(process, 'g', 'ann');
      await say(sync, 'g', 'ann', 'm0');
      await world.join(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'm1');
      await world.leave(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'm2');
      await world.join(process, 'g', 'bob');
      await say(sync, 'g', 'ann', 'm3');
      expect(bodies(await sync.messages('g', { user: 'bob' }))).toEqual(['m0', 'm1', 'm2', 'm3']);
    });
  },
  { core: true },
);
