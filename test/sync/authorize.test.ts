import { describe, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import { assemble } from '../../sync/create-sync.js';
import {
  type Authorize,
  membersOnly,
  type Stored,
  type SyncAction,
  type Synced,
  writeDiffusion,
} from '../../sync/index.js';
import { say } from './support/people.js';
import { inWorlds } from './support/worlds.js';

const forbidden = { code: 'TIMELINE_FORBIDDEN', retryable: false, outcome: 'not-applied' };
const body = 'hello';
const g = 'g';

inWorlds(
  'authorize',
  (open, setting) => {
    const keeps = setting.directory === 'kept';

    it('can be looked at, by who asks for more', async () => {
      const world = await open();
      expect((await world.start()).sync.authorize).toBeUndefined();
      const { sync } = await world.start({ authorize: ({ user }) => user === 'ann' });
      const action = {
        kind: 'members',
        conversation: g,
        isMember: async () => true,
        wasMember: async () => false,
      } as const;
      expect(await sync.authorize?.({ ...action, user: 'ann' })).toBe(true);
      expect(await sync.authorize?.({ ...action, user: 'bob' })).toBe(false);
    });

    it('is asked before any write or read, and refuses', async () => {
      const world = await open();
      const server = await world.start();
      await world.join(server, g, 'ann', 'bob');
      const seqId = await say(server.sync, g, 'ann', body);
      const asked: SyncAction[] = [];
      const authorize: Authorize = (action) => {
        asked.push(action);
        return false;
      };
      const { sync, faults } = await world.start({ authorize });
      const calls: string[] = [];
      for (const each of [faults.store, faults.sync]) each.before = (method) => void calls.push(method);
      const by = 'bob';
      await expect(sync.send({ conversation: g, sender: by, body })).rejects.toMatchObject(forbidden);
      await expect(sync.join(g, ['eve', 'ann'], { by })).rejects.toMatchObject(forbidden);
      await expect(sync.leave(g, 'ann', { by })).rejects.toMatchObject(forbidden);
      await expect(sync.messages(g, { user: by })).rejects.toMatchObject(forbidden);
      await expect(sync.markRead(by, g, seqId)).rejects.toMatchObject(forbidden);
      expect(calls).toEqual([]);
      await expect(sync.edit(g, seqId, 'other', { by })).rejects.toMatchObject(forbidden);
      await expect(sync.recall(g, seqId, { by })).rejects.toMatchObject(forbidden);
      // A user who may not change a message does not learn whether it is there.
      await expect(sync.recall(g, 1000n, { by })).rejects.toMatchObject(forbidden);
      expect(calls.every((method) => method === 'get' || method === 'read')).toBe(true);
      const target = { kind: 'message', sender: 'ann', body };
      expect(asked.map(({ isMember: _, wasMember: __, ...action }) => action)).toEqual([
        { kind: 'send', user: by, conversation: g },
        { kind: 'join', user: by, conversation: g, users: ['eve', 'ann'] },
        { kind: 'leave', user: by, conversation: g, users: ['ann'] },
        { kind: 'read', user: by, conversation: g },
        { kind: 'mark-read', user: by, conversation: g },
        { kind: 'edit', user: by, conversation: g, target },
        { kind: 'recall', user: by, conversation: g, target },
        { kind: 'recall', user: by, conversation: g },
      ]);
      expect((await server.sync.messages(g)).messages).toMatchObject([{ body }]);
    });

    it('is not asked when the server itself acts', async () => {
      const world = await open();
      const authorize = vi.fn(({ kind }: SyncAction) => kind === 'send');
      const process = await world.start({ authorize });
      const { sync } = process;
      await world.join(process, g, 'ann', 'bob');
      const seqId = await say(sync, g, 'ann', body, 'two');
      await (await sync.edit(g, seqId, 'changed')).delivered;
      await (await sync.recall(g, seqId)).delivered;
      await sync.messages(g);
      await world.leave(process, g, 'bob');
      expect(authorize.mock.calls.map(([{ kind }]) => kind)).toEqual(['send', 'send']);
    });

    it('knows members, wherever they came or went', async () => {
      const world = await open();
      const [here, there] = [await world.start(), await world.start({ authorize: (action) => action.isMember() })];
      const send = (sender: string) => there.sync.send({ conversation: g, sender, body });
      await expect(send('ann')).rejects.toMatchObject(forbidden);
      await world.join(here, g, 'ann', 'bob');
      await (await send('ann')).delivered;
      await world.leave(here, g, 'ann');
      await expect(send('ann')).rejects.toMatchObject(forbidden);
      await (await send('bob')).delivered;
    });

    it('membersOnly: members act, on their own messages', async () => {
      const world = await open();
      const server = await world.start();
      const { sync } = await world.start({ authorize: membersOnly() });
      await world.join(server, g, 'ann', 'bob');
      const { seqId, delivered } = await sync.send({ conversation: g, sender: 'ann', body });
      await delivered;
      for (const by of ['bob', 'eve']) {
        await expect(sync.edit(g, seqId, 'other', { by })).rejects.toMatchObject(forbidden);
        await expect(sync.recall(g, seqId, { by })).rejects.toMatchObject(forbidden);
        await expect(sync.recall(g, 1000n, { by: 'eve' })).rejects.toMatchObject(forbidden);
        await expect(sync.join(g, ['tom'], { by })).rejects.toMatchObject(forbidden);
      }
      await expect(sync.recall(g, 1000n, { by: 'bob' })).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
      await (await sync.edit(g, seqId, 'changed', { by: 'ann' })).delivered;
      await expect(sync.send({ conversation: g, sender: 'eve', body })).rejects.toMatchObject(forbidden);
      await expect(sync.messages(g, { user: 'eve' })).rejects.toMatchObject(forbidden);
      await expect(sync.markRead('eve', g, seqId)).rejects.toMatchObject(forbidden);
      await expect(sync.join(g, 'eve', { by: 'eve' })).rejects.toMatchObject(forbidden);
      await expect(sync.leave(g, 'ann', { by: 'eve' })).rejects.toMatchObject(forbidden);
      expect((await sync.messages(g, { user: 'bob' })).messages).toMatchObject([{ body: 'changed' }]);
      expect(await sync.markRead('bob', g, seqId)).toBe(seqId);
      await (await sync.recall(g, seqId, { by: 'ann' })).delivered;
    });

    it.runIf(keeps)('membersOnly: one who has left reads up to the leave, and does nothing else', async () => {
      const world = await open();
      const { sync } = await world.start({ authorize: membersOnly() });
      await (await sync.join(g, ['ann', 'bob'])).delivered;
      const { seqId, delivered } = await sync.send({ conversation: g, sender: 'bob', body });
      await delivered;
      await (await sync.leave(g, 'bob', { by: 'bob' })).delivered;
      await say(sync, g, 'ann', 'secret');
      expect((await sync.messages(g, { user: 'bob' })).messages).toMatchObject([{ body }]);
      await expect(sync.send({ conversation: g, sender: 'bob', body })).rejects.toMatchObject(forbidden);
      await expect(sync.edit(g, seqId, 'other', { by: 'bob' })).rejects.toMatchObject(forbidden);
      await expect(sync.join(g, 'bob', { by: 'bob' })).rejects.toMatchObject(forbidden);
      await expect(sync.markRead('bob', g, seqId)).rejects.toMatchObject(forbidden);
    });
  },
  { core: true },
);

describe('authorize', () => {
  const USER_MS = 100;

  async function start(authorize: unknown) {
    const adapter = memoryAdapter();
    const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
    const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync' });
    const directory = { members: () => ['ann'], conversations: () => ['g'] };
    const options = { store, sync: inboxes, directory, diffusion: writeDiffusion(), recoverEveryMs: 0 };
    return assemble<string>({ ...options, authorize: authorize as Authorize }, { userCodeMs: USER_MS });
  }

  const message = { conversation: g, sender: 'ann', body };

  it.each([undefined, null, 1, 'yes', {}, Promise.resolve('no')])('answers true or false, not %o', async (answer) => {
    await using sync = await start(() => answer);
    const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'authorize' };
    await expect(sync.send(message)).rejects.toMatchObject(refused);
    expect((await sync.messages(g)).messages).toEqual([]);
  });

  it('has a limited time, and its own errors', async () => {
    await using slow = await start(() => new Promise(() => undefined));
    await expect(slow.send(message)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true });
    const error = new Error('no database');
    await using failing = await start(() => Promise.reject(error));
    await expect(failing.send(message)).rejects.toBe(error);
  });

  it('does not let a message pass that it allows after closing', async () => {
    let allow: (answer: boolean) => void = () => undefined;
    const sync = await start(
      () =>
        new Promise((resolve) => {
          allow = resolve;
        }),
    );
    const history = sync.history(g);
    const sending = sync.send(message);
    await sync.close();
    allow(true);
    await expect(sending).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    expect((await history.head()).lastSeqId).toBe(0n);
  });

  it('is a function', async () => {
    await expect(start('yes')).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', argument: 'authorize' });
  });
});
