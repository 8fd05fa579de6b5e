import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { AdapterLibrary, AdapterWarning, Call, TimelineAdapter, WriteOutcome } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { openTimelineStore } from '../../src/index.js';
import { pauseAfter, retryUntil } from '../../src/retry.js';
import { decorateAdapter, type LibraryChanges } from '../../testing/index.js';

const BUDGET_MS = 400;
/** A tenth more than the budget, and what a machine under load adds. */
const IN_TIME_MS = BUDGET_MS * 1.1 + 150;

/** Memory with a short budget, behind changes of a test. */
function hurried(change: (library: AdapterLibrary) => LibraryChanges): TimelineAdapter {
  return decorateAdapter(memoryAdapter(), (library) => ({
    capabilities: { ...library.capabilities, budgetMs: BUDGET_MS },
    ...change(library),
  }));
}

const never = () => new Promise<never>(() => undefined);

/** All that a library does, unanswered. */
const silent = (library: AdapterLibrary): LibraryChanges => ({
  append: never,
  read: never,
  heads: never,
  update: never,
  delete: never,
  trim: never,
  timelines: never,
  close: never,
  checkpoints: { ...library.checkpoints, get: never, advance: never, reset: never },
});

async function timed<T>(run: () => Promise<T>): Promise<{ error?: TimelineError; value?: T; ms: number }> {
  const start = performance.now();
  const result = await run().then(
    (value) => ({ value }),
    (error: TimelineError) => ({ error }),
  );
  return { ...result, ms: performance.now() - start };
}

const unavailable = () => new TimelineError('TIMELINE_UNAVAILABLE', 'down', { retryable: true });

describe('law Budget, behind an adapter that answers nothing', () => {
  it('every call ends in time, and says whether it may have been applied', async () => {
    const store = await openTimelineStore<string>({ adapter: hurried(silent), name: 'x' });
    const timeline = store.timeline('t');
    const reads = [
      () => timeline.read(),
      () => timeline.head(),
      () => timeline.get(1n),
      () => timeline.latest(),
      () => timeline.checkpoint('r').get(),
      () => timeline.scan()[Symbol.asyncIterator]().next(),
      () => store.readBatch([{ timeline: 't' }]),
      () => store.heads(['t']),
      () => store.timelines()[Symbol.asyncIterator]().next(),
    ] as unknown as (() => Promise<unknown>)[];
    const writes = [
      () => timeline.append('m'),
      () => timeline.append('m', { key: 'k' }),
      () => timeline.appendMany(['m', 'n']),
      () => timeline.update(1n, 'm'),
      () => timeline.delete(1n),
      () => timeline.trim({ through: 1n }),
      () => timeline.checkpoint('r').reset(undefined),
    ];
    for (const { error, ms } of await Promise.all([...reads, ...writes].map(timed))) {
      expect(error?.message).toMatch(/gave no answer within 400 ms|took no write for 400 ms/);
      expect(ms).toBeLessThan(IN_TIME_MS);
    }
    const [read, write] = await Promise.all([timed(() => timeline.read()), timed(() => timeline.append('m'))]);
    expect(read.error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', retryable: true });
    expect(write.error).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', outcome: 'unknown' });
  });

  it('what waits behind a sent write fails with it, not applied, and what comes later is sent again', async () => {
    let isSilent = true;
    const adapter = hurried((library) => ({
      append: (writes, call) => (isSilent ? never() : library.append(writes, call)),
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', limits: { pendingWrites: 2 } });
    const timeline = store.timeline('t');
    const sent = timed(() => timeline.append('sent'));
    await new Promise((resolve) => setImmediate(resolve));
    const behind = ['same', 'room'].map((text) => timed(() => timeline.append(text)));
    for (const { error, ms } of await Promise.all(behind)) {
      expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', retryable: true });
      expect(ms).toBeLessThan(IN_TIME_MS);
    }
    expect((await sent).error?.outcome).toBe('unknown');
    isSilent = false;
    expect((await timeline.append('later')).seqId).toBe(1n);
    await store.close();
  });

  it('closing ends in time, whatever is under way', async () => {
    const warnings: string[] = [];
    const onWarning = ({ code }: AdapterWarning) => warnings.push(code);
    const store = await openTimelineStore<string>({ adapter: hurried(silent), name: 'x', onWarning });
    const work = [store.timeline('t').append('m'), store.timeline('t').append('n'), store.timeline('t').read()];
    const settled = Promise.allSettled(work);
    const { error, ms } = await timed(() => store.close());
    expect([error, warnings]).toEqual([undefined, ['close-unanswered']]);
    expect(ms).toBeLessThan(IN_TIME_MS);
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('opening ends in time, and what opens later is closed again', async () => {
    let finish: (() => void) | undefined;
    let closed = false;
    const adapter: TimelineAdapter = {
      name: 'slow',
      budgetMs: 100,
      async open(options) {
        const library = await memoryAdapter().open(options);
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return Object.assign(library, {
          close: async () => {
            closed = true;
          },
        });
      },
    };
    const { error, ms } = await timed(() => openTimelineStore({ adapter, name: 'x' }));
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', message: 'slow gave no answer within 100 ms' });
    expect(ms).toBeLessThan(260);
    finish?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(true);
  });

  it('a healthy store is given all the time that its backlog takes when it closes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const adapter = hurried((library) => ({
      append: async (writes, call) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return library.append(writes, call);
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', limits: { pendingWrites: 1 } });
    const work = Array.from({ length: 8 }, (_, i) => store.timeline('t').append(`m${i}`));
    let isClosed = false;
    const closing = timed(() => store.close()).finally(() => {
      isClosed = true;
    });
    while (!isClosed) await vi.advanceTimersByTimeAsync(100);
    expect((await closing).ms).toBeGreaterThan(BUDGET_MS);
    expect((await Promise.all(work)).map(({ seqId }) => Number(seqId))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('retries', () => {
  it('share one deadline', async () => {
    const deadlines = new Set<number>();
    const adapter = hurried(() => ({
      append: async (_, call: Call) => {
        deadlines.add(call.deadline);
        throw unavailable();
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x' });
    const { error, ms } = await timed(() => store.timeline('t').append('m'));
    expect([error?.code, deadlines.size]).toEqual(['TIMELINE_UNAVAILABLE', 1]);
    expect(ms).toBeLessThan(IN_TIME_MS);
  });

  it('hide an outage of one second, at a cost of at most eight attempts', async () => {
    for (const code of ['TIMELINE_UNAVAILABLE', 'TIMELINE_BUSY'] as const) {
      const runs = Array.from({ length: 20 }, async () => {
        const start = performance.now();
        let attempts = 0;
        await retryUntil(
          start + 10_000,
          (error) => error.retryable,
          async () => {
            attempts++;
            if (performance.now() - start < 1000) throw new TimelineError(code, 'down', { retryable: true });
          },
        );
        return attempts;
      });
      for (const attempts of await Promise.all(runs)) expect(attempts).toBeLessThanOrEqual(8);
    }
  });

  it.each([1000])('are at least four within %d ms when each is refused at once', async (budget) => {
    let attempts = 0;
    const refused = retryUntil(
      performance.now() + budget,
      () => true,
      async () => {
        attempts++;
        throw unavailable();
      },
    );
    await expect(refused).rejects.toThrow('down');
    expect(attempts).toBeGreaterThanOrEqual(4);
    expect(attempts).toBeLessThan(16);
  });

  it('pause longer where the store asks for less load', () => {
    const deadline = performance.now() + 60_000;
    const busy = new TimelineError('TIMELINE_BUSY', 'throttled', { retryable: true });
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect(pauseAfter(attempt, unavailable(), deadline)).toBeLessThanOrEqual(50 * 2 ** (attempt - 1));
      expect(pauseAfter(attempt, busy, deadline)).toBeGreaterThanOrEqual(50 * 2 ** (attempt - 1));
    }
  });

  it('never exceed the attempts that the caller allows', async () => {
    let attempts = 0;
    const adapter = hurried(() => ({
      append: async (): Promise<WriteOutcome[]> => {
        attempts++;
        throw unavailable();
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry: { attempts: 1 } });
    await expect(store.timeline('t').append('m')).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    expect(attempts).toBe(1);
  });
});
