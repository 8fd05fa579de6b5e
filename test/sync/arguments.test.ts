import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import { createSync, hybridDiffusion, type SyncOptions, timelineDirectory, writeDiffusion } from '../../sync/index.js';
import { inWorlds, type Process } from './support/worlds.js';

const LONG = 'x'.repeat(2000);

/** Calls as a caller without types may make them. */
type Loose = Record<string, (...args: unknown[]) => unknown>;

async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    const result = call() as { [Symbol.asyncIterator]?: () => AsyncIterator<unknown> };
    await (result?.[Symbol.asyncIterator] ? result[Symbol.asyncIterator]!().next() : result);
    return 'nothing was refused';
  } catch (error) {
    const { code, argument } = error as { code?: string; argument?: string };
    return code ? `${code} ${argument}` : error;
  }
}

const message = { conversation: 'g', sender: 'ann', body: 'x' };
const WRONG: readonly (readonly [string, string, (sync: Loose, device: Loose) => unknown])[] = [
  ...([undefined, null, 1, {}, '', '\ud800', ['g']] as const).flatMap((bad) => [
    ['conversation', `send ${String(bad)}`, (sync: Loose) => sync.send!({ ...message, conversation: bad })] as const,
    ['sender', `send ${String(bad)}`, (sync: Loose) => sync.send!({ ...message, sender: bad })] as const,
    ['conversation', `edit ${String(bad)}`, (sync: Loose) => sync.edit!(bad, 1n, 'x')] as const,
    ['conversation', `recall ${String(bad)}`, (sync: Loose) => sync.recall!(bad, 1n)] as const,
    ['conversation', `join ${String(bad)}`, (sync: Loose) => sync.join!(bad, 'ann')] as const,
    ['conversation', `leave ${String(bad)}`, (sync: Loose) => sync.leave!(bad, 'ann')] as const,
    ['users', `join ${String(bad)}`, (sync: Loose) => sync.join!('g', Array.isArray(bad) ? [1] : bad)] as const,
    ['conversation', `history ${String(bad)}`, (sync: Loose) => sync.history!(bad)] as const,
    ['user', `device ${String(bad)}`, (sync: Loose) => sync.device!(bad, 'phone')] as const,
    ['device', `device ${String(bad)}`, (sync: Loose) => sync.device!('ann', bad)] as const,
    ['user', `conversations ${String(bad)}`, (sync: Loose) => sync.conversations!(bad)] as const,
    ['user', `markRead ${String(bad)}`, (sync: Loose) => sync.markRead!(bad, 'g', 1n)] as const,
    ['conversation', `markRead ${String(bad)}`, (sync: Loose) => sync.markRead!('ann', bad, 1n)] as const,
  ]),
  ...([undefined, null, 1, '', '-1', '1.5', '01', -1n, 1n << 63n] as const).flatMap((bad) => [
    ['seqId', `edit ${String(bad)}`, (sync: Loose) => sync.edit!('g', bad, 'x')] as const,
    ['seqId', `recall ${String(bad)}`, (sync: Loose) => sync.recall!('g', bad)] as const,
    ['seqId', `markRead ${String(bad)}`, (sync: Loose) => sync.markRead!('ann', 'g', bad)] as const,
  ]),
  ['seqId', 'edit 0n', (sync) => sync.edit!('g', 0n, 'x')],
  ['users', 'join nobody', (sync) => sync.join!('g', [])],
  ['message', 'send nothing', (sync) => sync.send!()],
  ['message', 'send a string', (sync) => sync.send!('hello')],
  ['body', 'send no body', (sync) => sync.send!({ conversation: 'g', sender: 'ann' })],
  ['body', 'edit to no body', (sync) => sync.edit!('g', 1n, undefined)],
  ['key', 'send an empty key', (sync) => sync.send!({ ...message, key: '' })],
  ['key', 'send a key that is none', (sync) => sync.send!({ ...message, key: 1 })],
  ['key', 'edit with a key that is none', (sync) => sync.edit!('g', 1n, 'x', { key: 1 })],
  ['message.kye', 'send an unknown option', (sync) => sync.send!({ ...message, kye: 'k' })],
  ['sginal', 'send with an unknown option', (sync) => sync.send!(message, { sginal: 1 })],
  ['kye', 'edit with an unknown option', (sync) => sync.edit!('g', 1n, 'x', { kye: 'k' })],
  ['from', 'device with an unknown option', (sync) => sync.device!('ann', 'phone', { from: 'now' })],
  ['every', 'recover with an unknown option', (sync) => sync.recover!({ every: true })],
  ['signal', 'send with a signal that is none', (sync) => sync.send!(message, { signal: 1 })],
  ...(['newest', true, 1, {}] as const).map(
    (start) =>
      [
        start && typeof start === 'object' ? 'start.last' : 'start',
        `start ${start}`,
        (sync: Loose) => sync.device!('ann', 'phone', { start }),
      ] as const,
  ),
  ...([-1, 1.5, 1001, 5n, '5'] as const).map(
    (last) =>
      [
        'start.last',
        `start ${String(last)}`,
        (sync: Loose) => sync.device!('ann', 'phone', { start: { last } }),
      ] as const,
  ),
  ...([0, -1, 1.5, 10_001, '5', 1n] as const).map(
    (limit) => ['limit', `pull ${String(limit)}`, (_: Loose, device: Loose) => device.pull!({ limit })] as const,
  ),
  ['options', 'pull with a number', (_, device) => device.pull!(5)],
  ['last', 'pull with an unknown option', (_, device) => device.pull!({ last: 5 })],
  ['signal', 'pull with a signal that is none', (_, device) => device.pull!({ signal: {} })],
  ['signal', 'subscribe with a signal that is none', (_, device) => device.subscribe!({ signal: {} })],
  ['from', 'subscribe with an unknown option', (_, device) => device.subscribe!({ from: 5 })],
  ['pageSize', 'subscribe with a page of none', (_, device) => device.subscribe!({ pageSize: 0 })],
  ['onCaughtUp', 'subscribe with a callback that is none', (_, device) => device.subscribe!({ onCaughtUp: 1 })],
];

inWorlds(
  'an argument that is wrong',
  (open) => {
    it('is named, before anything is asked of a store', async () => {
      const world = await open();
      const process: Process = await world.start();
      const device = process.sync.device('ann', 'phone');
      const calls: string[] = [];
      for (const { store, sync } of [process.faults]) {
        store.before = (method) => void calls.push(method);
        sync.before = (method) => void calls.push(method);
      }
      for (const [argument, title, call] of WRONG) {
        const code = await codeOf(() => call(process.sync as unknown as Loose, device as unknown as Loose));
        expect([title, code]).toEqual([title, `TIMELINE_INVALID_ARGUMENT ${argument}`]);
      }
      expect(calls).toEqual([]);
    });

    it('that is too long is refused as such, before anything is asked of a store', async () => {
      const world = await open();
      const { sync, faults } = await world.start();
      const calls: string[] = [];
      faults.store.before = (method) => void calls.push(method);
      const long: [string, () => unknown][] = [
        ['conversation', () => sync.send({ ...message, conversation: LONG })],
        ['sender', () => sync.send({ ...message, sender: LONG })],
        ['key', () => sync.send({ ...message, key: LONG })],
        ['users', () => sync.join('g', ['ann', LONG])],
        ['device', () => sync.device('ann', LONG)],
      ];
      for (const [argument, call] of long) expect(await codeOf(call)).toBe(`TIMELINE_TOO_LARGE ${argument}`);
      expect(calls).toEqual([]);
    });
  },
  { only: ({ store, directory }) => store === 'memory' && directory === 'listed' },
);

describe('createSync', () => {
  it('refuses what it cannot work with, and names it', async () => {
    const adapter = memoryAdapter();
    const store = await openTimelineStore<never>({ adapter, name: 'store' });
    const sync = await openTimelineStore<never>({ adapter, name: 'sync' });
    const good = {
      store,
      sync,
      directory: timelineDirectory({ store }),
      diffusion: writeDiffusion(),
      recoverEveryMs: 0,
    };
    const wrong: [string, object][] = [
      ...[undefined, null, 1, {}, 'redis'].flatMap((bad): [string, object][] => [
        ['store', { store: bad }],
        ['sync', { sync: bad }],
        ['directory', { directory: bad }],
        ['diffusion', { diffusion: bad }],
      ]),
      ['sync', { sync: store }],
      ['newcomers', { newcomers: 'some' }],
      ['newcomers.last', { newcomers: { last: -1 } }],
      ['bodies', { bodies: 'some' }],
      ['bodies', { bodies: -1 }],
      ['resyncLast', { resyncLast: 1.5 }],
      ['leaseMs', { leaseMs: 1 }],
      ['recoverEveryMs', { recoverEveryMs: -1 }],
      ['pollMs', { pollMs: 0 }],
      ['onWarning', { onWarning: 'loudly' }],
    ];
    for (const [argument, change] of wrong) {
      const code = await codeOf(() => createSync({ ...good, ...change } as SyncOptions<string>));
      expect([change, code]).toEqual([change, `TIMELINE_INVALID_ARGUMENT ${argument}`]);
    }
    expect(await codeOf(() => (createSync as unknown as () => void)())).toBe('TIMELINE_INVALID_ARGUMENT options');
    expect(await codeOf(() => (timelineDirectory as unknown as () => void)())).toBe(
      'TIMELINE_INVALID_ARGUMENT options',
    );
    await createSync(good as unknown as SyncOptions<string>).close();
  });

  it('refuses stores without keys', async () => {
    const plain = await openTimelineStore<never>({ adapter: memoryAdapter({ keyWindowMs: 1 }), name: 'store' });
    const keyless = Object.create(plain, {
      capabilities: { value: { ...plain.capabilities, keyWindowMs: 0 } },
    }) as typeof plain;
    const other = await openTimelineStore<never>({ adapter: memoryAdapter(), name: 'sync' });
    const options = { directory: { members: () => [], conversations: () => [] }, diffusion: writeDiffusion() };
    expect(() => createSync({ ...options, store: keyless, sync: other } as unknown as SyncOptions<string>)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_UNSUPPORTED', capability: 'keyWindowMs' }),
    );
  });

  it.each([
    ['writeUpTo', { writeUpTo: -1 }],
    ['writeBelow', { writeUpTo: 10, writeBelow: 11 }],
    ['policy', { policy: 'read' }],
    ['overrides["g"]', { overrides: { g: 'both' } }],
    ['options', 5],
    ['writeUpTp', { writeUpTp: 1 }],
  ])('hybridDiffusion refuses a wrong %s', async (argument, options) => {
    expect(await codeOf(() => hybridDiffusion(options as object))).toBe(`TIMELINE_INVALID_ARGUMENT ${argument}`);
  });
});
