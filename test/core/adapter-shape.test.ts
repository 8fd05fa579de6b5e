import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { AdapterLibrary, TimelineAdapter } from '../../src/adapter.js';
import { openTimelineStore } from '../../src/index.js';
import { decorateAdapter, type LibraryChanges } from '../../testing/index.js';

const open = (change: (library: AdapterLibrary) => object) =>
  openTimelineStore<string>({
    adapter: decorateAdapter(memoryAdapter(), (library) => change(library) as LibraryChanges),
    name: 'x',
  });

describe('an adapter that does not fit its contract', () => {
  it.each([
    ['a missing method', () => ({ heads: undefined }), 'has no method heads'],
    ['a claimed method', () => ({ trim: undefined }), 'declares trim and has no such method'],
    ['claimed checkpoints', () => ({ checkpoints: undefined }), 'declares checkpoints and has no checkpoints.get'],
    ['no capabilities', () => ({ capabilities: undefined }), 'opened a library without capabilities'],
    [
      'a capability of another type',
      (library: AdapterLibrary) => ({ capabilities: { ...library.capabilities, atomicBatch: '1' } }),
      'declares the capability atomicBatch as "1"',
    ],
  ] as const)('is refused at opening: %s', async (_, change, problem) => {
    const error = await open(change as () => object).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', argument: 'adapter' });
    expect((error as Error).message).toBe(`adapter 'memory' ${problem}`);
  });

  it('is refused at opening when it opens nothing', async () => {
    const adapter = { name: 'empty', open: async () => undefined } as unknown as TimelineAdapter;
    await expect(openTimelineStore({ adapter, name: 'x' })).rejects.toThrow(
      "adapter 'empty' opened undefined instead of a library",
    );
  });

  it.each([
    ['nothing', () => undefined, 'append answered undefined'],
    ['too few outcomes', () => [], 'append answered no outcome for a write but undefined'],
    [
      'text for a SeqId',
      () => [{ ok: true, epoch: 'e', entries: [{ seqId: '1', duplicate: false }] }],
      'an entry with the seqId "1"',
    ],
    [
      'no epoch',
      () => [{ ok: true, entries: [{ seqId: 1n, duplicate: false }] }],
      'an outcome with the epoch undefined',
    ],
    [
      'an error of another kind',
      () => [{ ok: false, error: new Error('x') }],
      'an outcome whose error is no TimelineError',
    ],
  ])('leaves an append unknown, and nobody waiting: %s', async (_, answer, problem) => {
    const store = await open(() => ({ append: async () => answer() }));
    const error = await store
      .timeline('t')
      .append('m')
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', outcome: 'unknown' });
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).toContain("the adapter 'memory'");
    await store.close();
  });

  it.each<[call: 'read' | 'head' | 'update' | 'checkpoint', change: object, problem: string]>([
    ['read', { read: async () => undefined }, 'read answered undefined where 1 were asked for'],
    ['read', { read: async () => [] }, 'read answered 0 answers where 1 were asked for'],
    [
      'read',
      { read: async () => [{ epoch: 'e', firstSeqId: 1n, lastSeqId: 1n, more: false }] },
      'a slice with the rows undefined',
    ],
    [
      'read',
      { read: async () => [{ epoch: 'e', firstSeqId: 1, lastSeqId: 1n, rows: [] }] },
      'a head with the firstSeqId 1',
    ],
    [
      'read',
      {
        read: async () => [
          { epoch: 'e', firstSeqId: 1n, lastSeqId: 1n, rows: [{ seqId: 1, appendedAt: 1, body: '""', revision: 0 }] },
        ],
      },
      'a row with the seqId 1',
    ],
    ['head', { heads: async () => [undefined] }, 'a head with the epoch undefined'],
    ['update', { update: async () => ({ row: undefined }) }, 'update answered no epoch'],
    [
      'checkpoint',
      { checkpoints: { get: async () => [{ epoch: 'e', seqId: 1 }], advance: 0, reset: 0 } },
      'no checkpoints.advance',
    ],
  ])('has what it answers to %s named', async (call, change, problem) => {
    const calls: Record<'read' | 'head' | 'update' | 'checkpoint', () => Promise<unknown>> = {
      read: async () => (await open(() => change)).timeline('t').read(),
      head: async () => (await open(() => change)).timeline('t').head(),
      update: async () => (await open(() => change)).timeline('t').update(1n, 'm'),
      checkpoint: async () => (await open(() => change)).timeline('t').checkpoint('r').get(),
    };
    await expect(calls[call]()).rejects.toThrow(problem);
  });

  it('has the positions that it answers named', async () => {
    const store = await open(({ checkpoints }) => ({
      checkpoints: { ...checkpoints, get: async () => [{ epoch: 'e', seqId: 1 }] },
    }));
    await expect(store.timeline('t').checkpoint('r').get()).rejects.toThrow(
      'checkpoints.get answered the position an object',
    );
  });
});
