import { describe, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import { assemble } from '../../sync/create-sync.js';
import {
  createSync,
  type Diffusion,
  type Directory,
  hybridDiffusion,
  type MessageSync,
  readDiffusion,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../sync/index.js';
import { bodyOf } from './support/people.js';

/** Short enough for a test, and long for a callback that answers at all. */
const USER_MS = 150;

async function open(
  options: Partial<SyncOptions<string>> = {},
  adapter = memoryAdapter(),
): Promise<MessageSync<string>> {
  const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
  const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync' });
  const directory: Directory = { members: () => ['ann', 'bob'], conversations: () => ['group'] };
  const base = {
    store,
    sync: inboxes,
    directory,
    diffusion: writeDiffusion(),
    recoverEveryMs: 0,
    onWarning: () => undefined,
  };
  return assemble<string>({ ...base, ...options }, { userCodeMs: USER_MS });
}

const directoryOf = (parts: Record<string, unknown>): Directory =>
  ({ members: () => ['ann', 'bob'], conversations: () => ['group'], ...parts }) as Directory;
const choosing = (choose: () => unknown, modes: Diffusion['modes'] = ['write', 'read']): Diffusion =>
  ({ modes, choose }) as Diffusion;
const sent = (sync: MessageSync<string>) => sync.send({ conversation: 'group', sender: 'ann', body: 'hello' });
const delivered = async (sync: MessageSync<string>) => (await sent(sync)).delivered;
const join = async (sync: MessageSync<string>) => (await sync.join('group', ['ann'])).delivered;
const refused = (argument: string) => ({ code: 'TIMELINE_INVALID_ARGUMENT', argument });

async function list(sync: MessageSync<string>): Promise<string[]> {
  const names: string[] = [];
  for await (const { conversation } of sync.conversations('ann')) names.push(conversation);
  return names;
}

const never = () => new Promise<never>(() => undefined);

describe('invalid answers of callbacks', () => {
  it.each<[string, unknown]>([
    ['banana', 'banana'],
    ['undefined', undefined],
    ['null', null],
    ['a promise of a number', Promise.resolve(7)],
    ['WRITE', 'WRITE'],
  ])('diffusion.choose: %s', async (_, answer) => {
    await using sync = await open({ diffusion: choosing(() => answer) });
    await expect(sent(sync)).rejects.toMatchObject(refused('diffusion.choose'));
  });

  it('diffusion.choose: a mode that the diffusion does not have', async () => {
    await using sync = await open({ diffusion: choosing(() => 'read', ['write']) });
    await expect(sent(sync)).rejects.toMatchObject(refused('diffusion.choose'));
  });

  it('diffusion.modes, and the policy of a hybrid', async () => {
    for (const modes of [[], ['banana'], ['write', null]]) {
      await expect(open({ diffusion: choosing(() => 'write', modes as never) })).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_ARGUMENT',
      });
    }
    await using sync = await open({ diffusion: hybridDiffusion({ policy: (() => 'banana') as never }) });
    await expect(sent(sync)).rejects.toMatchObject(refused('policy'));
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'ann'],
    ['a number', 7],
    ['an object that is no list', { ann: true }],
    ['a promise of null', Promise.resolve(null)],
    ['a list of null', [null]],
    ['a list of numbers', new Set([1])],
    ['a list of objects', [{ user: 'ann' }]],
    [
      'an async iterator that gives no results',
      { [Symbol.asyncIterator]: () => ({ next: async () => undefined, return: async () => undefined }) },
    ],
  ])('directory.members: %s', async (_, answer) => {
    await using sync = await open({ directory: directoryOf({ members: () => answer }) });
    await expect(delivered(sync)).rejects.toMatchObject(refused('directory.members'));
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a string', 'group'],
    ['a list of null', [null]],
    ['a list of nothing', ['']],
    ['memberships without SeqIds', [{ conversation: 'group' }]],
    ['memberships with numbers', [{ conversation: 'group', joinedAt: 1, from: 0 }]],
    ['memberships without conversation', [{ joinedAt: 1n, from: 0n }]],
  ])('directory.conversations: %s', async (_, answer) => {
    const directory = directoryOf({ conversations: () => answer });
    await using sync = await open({ directory, diffusion: readDiffusion() });
    const named = { code: 'TIMELINE_INVALID_ARGUMENT', argument: expect.stringMatching(/^directory\.conversations/) };
    await expect(list(sync)).rejects.toMatchObject(named);
    await expect(sync.device('ann', 'phone').pull()).rejects.toMatchObject(named);
  });

  it.each([-1, 1.5, Number.NaN, '3', null])('directory.size: %o', async (size) => {
    await using sync = await open({ directory: directoryOf({ size: () => size }), diffusion: hybridDiffusion() });
    await expect(sent(sync)).rejects.toMatchObject(refused('directory.size'));
  });

  it.each([-1n, 1, null, 'yes'])('directory.isMember: %o', async (answer) => {
    await using sync = await open({
      directory: directoryOf({ isMember: () => answer as never, apply: async () => undefined }),
    });
    await expect(join(sync)).rejects.toMatchObject(refused('directory.isMember'));
  });

  it('reject the promises that wait for them; the fan-out continues with the next valid answer', async () => {
    let members: unknown = [null];
    await using sync = await open({ directory: directoryOf({ members: () => members }) });
    await expect(delivered(sync)).rejects.toMatchObject(refused('directory.members'));
    members = new Set(['ann', 'bob']);
    await delivered(sync);
    const { messages } = await sync.device('bob', 'phone').pull();
    expect(messages.map(bodyOf)).toEqual(['hello', 'hello']);
  });

  it('may have any shape that is a list', async () => {
    const shapes: (() => unknown)[] = [
      () => ['ann', Promise.resolve('bob')],
      () => new Set(['ann', 'bob']),
      async () => ['ann', 'bob'].values(),
      async function* () {
        yield 'ann';
        yield 'bob';
      },
      function* () {
        yield* ['ann', 'bob'];
      },
    ];
    for (const members of shapes) {
      await using sync = await open({ directory: directoryOf({ members }) });
      expect(await delivered(sync)).toMatchObject({ recipients: 2, refused: [] });
    }
  });

  it('onWarning may throw', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning');
    const warned = new Promise<void>((resolve) => emitWarning.mockImplementation(() => resolve()));
    let fails = true;
    const members = () => {
      if (fails) throw new Error('the directory is away');
      return ['bob'];
    };
    const onWarning = () => {
      throw new Error('no log');
    };
    await using sync = await open({ directory: directoryOf({ members }), onWarning });
    const delivery = delivered(sync);
    await warned;
    fails = false;
    expect(await delivery).toMatchObject({ recipients: 1 });
    emitWarning.mockRestore();
  });
});

describe('callbacks that never answer', () => {
  const late = { code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', cause: { name: 'TimeoutError' } };
  const closed = { code: 'TIMELINE_CLOSED', cause: { code: 'TIMELINE_UNAVAILABLE' } };

  it('diffusion.choose: the send fails, and closing ends', async () => {
    const sync = await open({ diffusion: choosing(never) });
    const sending = sent(sync);
    const closing = sync.close();
    await expect(sending).rejects.toMatchObject({ ...late, message: /diffusion\.choose/ });
    await closing;
  });

  it.each<[string, () => unknown]>([
    ['a promise', never],
    ['an async iterator', () => ({ [Symbol.asyncIterator]: () => ({ next: never, return: never }) })],
    [
      'an async generator, half-way',
      async function* () {
        yield 'ann';
        await never();
      },
    ],
    ['a list of promises', () => ['ann', never()]],
  ])('directory.members, %s: closing ends, and another process delivers', async (_, members) => {
    const adapter = memoryAdapter();
    const sync = await open({ directory: directoryOf({ members }) }, adapter);
    const { delivered } = await sent(sync);
    const closing = sync.close();
    await expect(delivered).rejects.toMatchObject({ ...closed, message: /directory\.members/ });
    await closing;
    await using other = await open({}, adapter);
    expect(await other.recover()).toEqual({ resumed: 1 });
    expect((await other.device('bob', 'phone').pull()).messages).toMatchObject([{ body: 'hello' }]);
  });

  it.each(['apply', 'refresh', 'isMember'])('directory.%s: closing ends', async (name) => {
    const sync = await open({ directory: directoryOf({ apply: async () => undefined, [name]: never }) });
    const { delivered } = await sync.join('group', ['ann']);
    const closing = sync.close();
    await expect(delivered).rejects.toMatchObject({ ...closed, message: new RegExp(`directory.${name}`) });
    await closing;
  });

  it('directory.size and directory.conversations fail their own call', async () => {
    await using sync = await open({
      directory: directoryOf({ size: never, conversations: never }),
      diffusion: hybridDiffusion(),
    });
    await expect(sent(sync)).rejects.toMatchObject({ ...late, message: /directory\.size/ });
    await expect(list(sync)).rejects.toMatchObject({ ...late, message: /directory\.conversations/ });
    await expect(sync.device('ann', 'phone').pull()).rejects.toMatchObject({
      ...late,
      message: /directory\.conversations/,
    });
  });

  it('the directory of a stuck conversation keeps nobody else waiting', async () => {
    const members = (conversation: string) => (conversation === 'stuck' ? never() : ['bob']);
    await using sync = await open({ directory: directoryOf({ members }) });
    await sync.send({ conversation: 'stuck', sender: 'ann', body: 'x' });
    expect(await delivered(sync)).toMatchObject({ recipients: 1 });
  });

  it('have half a minute', async () => {
    const adapter = memoryAdapter();
    const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
    const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync' });
    const directory = timelineDirectory({ store });
    const sync = createSync<string>({ store, sync: inboxes, directory, diffusion: choosing(never), recoverEveryMs: 0 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const settled = vi.fn();
      const sending = sent(sync).finally(settled);
      sending.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(29_999);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      await expect(sending).rejects.toMatchObject(late);
    } finally {
      vi.useRealTimers();
      await sync.close();
    }
  });
});
