import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { isTimelineError, openTimelineStore, type TimelineAdapter, type TimelineStore } from '../../src/index.js';

const HOUR = 3_600_000;
type Command = (store: TimelineStore<string>) => Promise<unknown>;

const timeline = fc.constantFrom('a', 'b');
const body = fc.constantFrom('', 'one', 'two');
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined });
const seqId = fc.bigInt({ min: 1n, max: 9n });
const bound = fc.option(fc.bigInt({ min: 0n, max: 9n }), { nil: undefined });

/** A call and what it is called in a report. */
const call = <T extends unknown[]>(
  name: string,
  args: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (store: TimelineStore<string>, ...args: T) => Promise<unknown>,
) =>
  fc.tuple(...args).map((values) => ({
    name: `${name}(${fc.stringify(values)})`,
    run: ((store) => run(store, ...(values as T))) as Command,
    wait: 0,
  }));

const command = fc.oneof(
  call('append', [timeline, body, key], (store, id, text, k) => store.timeline(id).append(text, { key: k })),
  call('append with an id', [timeline, body, seqId], (store, id, text, seq) =>
    store.timeline(id).append(text, { seqId: seq }),
  ),
  call('append if last', [timeline, body, bound], (store, id, text, last) =>
    store.timeline(id).append(text, { expectedLast: last }),
  ),
  call('appendMany', [timeline, fc.array(body, { maxLength: 4 })], (store, id, texts) =>
    store.timeline(id).appendMany(texts),
  ),
  call('appendToMany', [body, key], (store, text, k) => store.appendToMany(['a', 'b'], text, { key: k })),
  call(
    'read',
    [timeline, bound, bound, fc.integer({ min: 1, max: 5 }), fc.boolean()],
    (store, id, after, before, limit, reverse) => store.timeline(id).read({ after, before, limit, reverse }),
  ),
  call('update', [timeline, seqId, body], (store, id, seq, text) => store.timeline(id).update(seq, text)),
  call('delete', [timeline, seqId], (store, id, seq) => store.timeline(id).delete(seq)),
  call('trim', [timeline, seqId], (store, id, through) => store.timeline(id).trim({ through })),
  call('keepLast', [timeline, fc.integer({ min: 0, max: 4 })], (store, id, keepLast) =>
    store.timeline(id).trim({ keepLast }),
  ),
  call('advance', [timeline, seqId], (store, id, to) => store.timeline(id).checkpoint('phone').advance(to)),
  fc
    .constantFrom(1, HOUR / 2, HOUR + 1)
    .map((wait) => ({ name: `wait ${wait} ms`, run: (store: TimelineStore<string>) => store.heads(['a', 'b']), wait })),
);

/**
 * Reduces a result to data that are equal for two stores that agree. Epochs are random, and so are cursors except for
 * their last part; where ids have gaps, an adapter may find out one page later that nothing is left.
 */
const plain = (result: unknown): unknown =>
  JSON.parse(
    JSON.stringify(result ?? null, (name, value) => {
      if (name === 'epoch' || name === 'upToDate') return undefined;
      if (typeof value === 'bigint') return `${value}n`;
      return typeof value === 'string' && value.startsWith('1.') ? value.slice(value.lastIndexOf('.')) : value;
    }),
  );

const plainError = (error: unknown) => (isTimelineError(error) ? { error: error.code } : Promise.reject(error));

/** Positions that are read after each call. Those beyond the tail are refused, and that must agree too. */
const from = [0n, 1n, 2n, 3n, 4n];

describe('SQLite and the memory adapter', () => {
  it('answer every sequence of calls alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const clock = { now: 1_750_000_000_000 };
        const open = (adapter: TimelineAdapter) =>
          openTimelineStore<string>({
            adapter,
            name: 'oracle',
            ttlMs: HOUR,
            now: () => clock.now,
            clockToleranceMs: Number.POSITIVE_INFINITY,
          });
        const stores = await Promise.all([open(memoryAdapter()), open(sqliteAdapter(':memory:'))]);
        try {
          for (const { name, run, wait } of commands) {
            clock.now += wait;
            const answer = (store: TimelineStore<string>) =>
              run(store).then(plain, (error: unknown) =>
                isTimelineError(error) ? { error: error.code } : Promise.reject(error),
              );
            const [expected, actual] = await Promise.all(stores.map(answer));
            expect(actual, name).toEqual(expected);
            const everything = (store: TimelineStore<string>) =>
              store.readBatch(from.map((after) => ({ timeline: 'a', after, limit: 100 }))).then(plain, plainError);
            const [memory, sqlite] = await Promise.all(stores.map(everything));
            expect(sqlite, `what ${name} left behind`).toEqual(memory);
          }
        } finally {
          await Promise.all(stores.map((store) => store.close()));
        }
      }),
      { numRuns: 200 },
    );
  });
});
