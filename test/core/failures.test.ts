import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { AdapterLibrary, AdapterWarning, TimelineAdapter } from '../../src/index.js';
import { isTimelineError, openTimelineStore, TimelineError } from '../../src/index.js';
import { anyCall } from '../support/direct-library.js';

/** The memory adapter with some of its methods replaced; a replacement may call the real one. */
function adapterWith(replace: (library: AdapterLibrary) => Partial<AdapterLibrary>): TimelineAdapter {
  const memory = memoryAdapter();
  return {
    name: 'replaced',
    open: async (options) => {
      const library = await memory.open(options);
      return new Proxy(library, {
        get(target, name) {
          const own = replace(target)[name as keyof AdapterLibrary];
          if (own !== undefined) return own;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}

const busy = () => new TimelineError('TIMELINE_BUSY', 'locked', { retryable: true, outcome: 'not-applied' });
const retry = { attempts: 4, minDelayMs: 1, maxDelayMs: 2 };

describe('retry of appends', () => {
  it('repeats what was surely not applied, and keeps the order of what waits behind it', async () => {
    let calls = 0;
    const adapter = adapterWith((library) => ({
      append: async (writes) => {
        if (++calls <= 3) return writes.map(() => ({ ok: false, error: busy() }));
        return library.append(writes, anyCall());
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry });
    const results = await Promise.all(['a', 'b', 'c'].map((text) => store.timeline('t').append(text)));
    expect(results.map(({ seqId }) => seqId)).toEqual([1n, 2n, 3n]);
    expect(calls).toBe(4);
  });

  it('gives up after its attempts and says why', async () => {
    let calls = 0;
    const adapter = adapterWith(() => ({
      append: async () => {
        calls++;
        throw busy();
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry });
    await expect(store.timeline('t').append('a')).rejects.toMatchObject({
      code: 'TIMELINE_BUSY',
      outcome: 'not-applied',
    });
    expect(calls).toBe(4);
  });

  it('repeats only the writes of a batch that may be repeated', async () => {
    const sizes: number[] = [];
    const adapter = adapterWith((library) => ({
      append: async (writes) => {
        sizes.push(writes.length);
        if (sizes.length > 1) return library.append(writes, anyCall());
        const done = await library.append(writes.slice(0, 2), anyCall());
        return [...done, { ok: false, error: busy() }];
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry });
    const outcomes = await store.appendToMany(['a', 'b', 'c'], 'hello');
    expect(outcomes).toEqual(Array.from({ length: 3 }, () => ({ ok: true, seqId: 1n, duplicate: false })));
    expect(sizes).toEqual([3, 1]);
  });

  it('wraps what an adapter throws and does not repeat it without a key', async () => {
    let calls = 0;
    const adapter = adapterWith(() => ({
      append: async () => {
        calls++;
        throw new RangeError('socket fell over');
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry });
    const error: unknown = await store
      .timeline('t')
      .append('a')
      .catch((caught: unknown) => caught);
    expect(isTimelineError(error)).toBe(true);
    expect(error).toMatchObject({
      code: 'TIMELINE_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      cause: expect.any(RangeError),
    });
    expect(calls).toBe(1);
  });

  it('leaves nobody waiting when an adapter answers for less than it was asked', async () => {
    for (const outcomes of [[], [{ ok: true as const, epoch: 'e', entries: [] }]]) {
      const store = await openTimelineStore<string>({
        adapter: adapterWith(() => ({ append: async () => outcomes })),
        name: 'x',
        retry,
      });
      await expect(store.timeline('t').append('a')).rejects.toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN' });
      expect(await store.appendToMany(['t'], 'a')).toMatchObject([
        { ok: false, error: { code: 'TIMELINE_OUTCOME_UNKNOWN' } },
      ]);
    }
  });

  it('does not repeat an update whose outcome is unknown, and repeats a delete', async () => {
    const calls = { update: 0, delete: 0 };
    const unknown = () => new TimelineError('TIMELINE_UNAVAILABLE', 'lost', { outcome: 'unknown' });
    const adapter = adapterWith((library) => ({
      update: async (...args) => {
        calls.update++;
        await library.update?.(...args);
        throw unknown();
      },
      delete: async (...args) => {
        calls.delete++;
        await library.delete?.(...args);
        if (calls.delete === 1) throw unknown();
      },
    }));
    const store = await openTimelineStore<string>({ adapter, name: 'x', retry });
    const timeline = store.timeline('t');
    await timeline.append('a');
    await expect(timeline.update(1n, 'b')).rejects.toMatchObject({ outcome: 'unknown' });
    await timeline.delete(1n);
    expect(calls).toEqual({ update: 1, delete: 2 });
    expect((await timeline.get(1n))?.revision).toBe(2);
  });
});

describe('a subscription whose store goes away', () => {
  it('waits, says so once, and goes on without a gap', async () => {
    let failing = 0;
    const warnings: AdapterWarning[] = [];
    const adapter = adapterWith((library) => ({
      read: async (ranges) => {
        if (failing-- > 0) throw new TimelineError('TIMELINE_UNAVAILABLE', 'connection lost', { retryable: true });
        return library.read(ranges, anyCall());
      },
    }));
    const store = await openTimelineStore<number>({
      adapter,
      name: 'x',
      retry,
      pollMs: 10,
      onWarning: (warning) => warnings.push(warning),
    });
    const timeline = store.timeline('t');
    await timeline.append(1);
    const subscription = timeline.subscribe()[Symbol.asyncIterator]();
    expect((await subscription.next()).value?.message).toBe(1);
    failing = 10;
    await timeline.append(2);
    expect((await subscription.next()).value?.message).toBe(2);
    expect(warnings.map(({ code }) => code)).toEqual(['subscription-waits']);
  });
});

describe('errors', () => {
  it('are recognised across copies of the package', async () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('timeline-model.TimelineError')]: true });
    expect(foreign).toBeInstanceOf(TimelineError);
    expect(isTimelineError(new Error('x'))).toBe(false);
    expect(isTimelineError(null)).toBe(false);
  });

  it('name the entry that cannot be decoded', async () => {
    const codec = {
      encode: (message: string) => message,
      decode: () => {
        throw new SyntaxError('not mine');
      },
    };
    const store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'x', codec });
    await store.timeline('t').append('a');
    await expect(store.timeline('t').read()).rejects.toMatchObject({
      code: 'TIMELINE_DECODE',
      actual: 1n,
      timeline: 't',
    });
  });

  it('list what the schema found, before any I/O', async () => {
    const issues = [{ message: 'too short', path: ['text'] }];
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues }) } };
    const store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'x', schema });
    await expect(store.timeline('t').append('a')).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      message: 'message does not fit the schema: text: too short',
      issues,
    });
    expect((await store.timeline('t').head()).lastSeqId).toBe(0n);
  });
});

describe('openTimelineStore', () => {
  const adapter = memoryAdapter();
  it.each([
    ['no options', undefined],
    ['no adapter', { name: 'x' }],
    ['an empty name', { adapter, name: '' }],
    ['a name with a newline', { adapter, name: 'a\nb' }],
    ['a ttl of 0', { adapter, name: 'x', ttlMs: 0 }],
    ['a fractional ttl', { adapter, name: 'x', ttlMs: 1.5 }],
    ['a schema that is none', { adapter, name: 'x', schema: {} }],
    ['half a codec', { adapter, name: 'x', codec: { encode: String } }],
    ['a bound of nothing', { adapter, name: 'x', limits: { pendingWrites: 0 } }],
    ['no attempts', { adapter, name: 'x', retry: { attempts: 0 } }],
  ])('refuses %s', async (_, options) => {
    await expect(openTimelineStore(options as never)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
  });
});
