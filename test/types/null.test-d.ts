import type * as core from 'timeline-model';
import type { Checkpoint, Timeline, TimelineStore } from 'timeline-model';
import type { memoryAdapter } from 'timeline-model/memory';
import type { redisAdapter } from 'timeline-model/redis';
import type { sqliteAdapter } from 'timeline-model/sqlite';
import type * as sync from 'timeline-model/sync';
import type { Device, MessageSync } from 'timeline-model/sync';
import type { tablestoreAdapter } from 'timeline-model/tablestore';
import { describe, expectTypeOf, it } from 'vitest';

interface Note {
  readonly text: string;
}

/** The properties of an argument that may be left out and must not be `null`. */
type RefusesNull<A> = A extends readonly (infer Item)[]
  ? RefusesNull<Item>
  : A extends string | number | bigint | ((...args: never) => unknown) | Note
    ? never
    : { [K in keyof A]-?: object extends Pick<A, K> ? (null extends A[K] ? never : K) : never }[keyof A];

/** `true` if some parameter, or property of one, may be left out and must not be `null`. */
type HasStrict<P extends readonly unknown[]> = P extends readonly []
  ? false
  : P extends readonly [infer First, ...infer Rest]
    ? [RefusesNull<First>] extends [never]
      ? HasStrict<Rest>
      : true
    : P extends readonly [(infer First)?, ...infer Rest]
      ? null extends First
        ? [RefusesNull<First>] extends [never]
          ? HasStrict<Rest>
          : true
        : true
      : false;

/** The names of the calls of `T` to which `null` is not as good as `undefined`. */
type StrictCalls<T> = {
  [K in keyof T]-?: T[K] extends (...args: infer P) => unknown ? (HasStrict<P> extends false ? never : K) : never;
}[keyof T];

describe('null as an argument', () => {
  it('is undefined, wherever a value may be left out', () => {
    expectTypeOf<StrictCalls<TimelineStore<Note>>>().toEqualTypeOf<never>();
    expectTypeOf<StrictCalls<Timeline<Note>>>().toEqualTypeOf<never>();
    expectTypeOf<StrictCalls<Checkpoint>>().toEqualTypeOf<never>();
    expectTypeOf<StrictCalls<MessageSync<Note>>>().toEqualTypeOf<never>();
    expectTypeOf<StrictCalls<Device<Note>>>().toEqualTypeOf<never>();
    expectTypeOf<StrictCalls<typeof sync>>().toEqualTypeOf<never>();
    expectTypeOf<
      StrictCalls<{
        memory: typeof memoryAdapter;
        redis: typeof redisAdapter;
        sqlite: typeof sqliteAdapter;
        tablestore: typeof tablestoreAdapter;
      }>
    >().toEqualTypeOf<never>();
    // Helpers of adapters are called by code alone.
    expectTypeOf<StrictCalls<typeof core>>().toEqualTypeOf<
      'encodeTimelineId' | 'planWrite' | 'reconcileSettings' | 'retryUntil'
    >();
  });

  it('is found where it is missing', () => {
    expectTypeOf<StrictCalls<{ call(options?: { limit?: number | null }): void }>>().toEqualTypeOf<'call'>();
    expectTypeOf<StrictCalls<{ call(options: { limit?: number }): void }>>().toEqualTypeOf<'call'>();
    expectTypeOf<StrictCalls<{ call(items: { limit?: number }[]): void }>>().toEqualTypeOf<'call'>();
    expectTypeOf<StrictCalls<{ call(options?: { limit?: number | null } | null): void }>>().toEqualTypeOf<never>();
  });

  it('is refused for what has to be given', () => {
    const call = (store: TimelineStore<Note>, chat: MessageSync<Note>) => {
      // @ts-expect-error: a message is no option
      store.timeline('a').append(null);
      // @ts-expect-error: a batch item has a message
      store.appendBatch([{ timeline: 'a', message: null }]);
      // @ts-expect-error: a message has a body
      chat.send({ conversation: 'g', sender: 'ann', body: null });
      // @ts-expect-error: one of both
      store.timeline('a').trim({ keepLast: null });
      chat.send({ conversation: 'g', sender: 'ann', body: { text: 'x' }, key: null, mentions: null }, null);
    };
    expectTypeOf(call).toBeFunction();
  });
});
