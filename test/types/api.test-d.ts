import type { StandardSchemaV1 as SpecifiedSchema } from '@standard-schema/spec';
import {
  type AdapterLibrary,
  type AppendResult,
  type BatchOutcome,
  type Codec,
  type Cursor,
  type Head,
  isTimelineError,
  openTimelineStore,
  type Page,
  type StandardSchemaV1,
  type Timeline,
  type TimelineAdapter,
  type TimelineEntry,
  TimelineError,
  type TimelineErrorCode,
  type TimelineId,
  type TimelineStore,
} from 'timeline-model';
import { describe, expectTypeOf, it } from 'vitest';

interface Note {
  readonly text: string;
}

declare const adapter: TimelineAdapter;
declare const store: TimelineStore<Note>;
declare const timeline: Timeline<Note>;
declare const outcome: BatchOutcome;

describe('the message type', () => {
  it('is named once and flows to every reader', () => {
    expectTypeOf(openTimelineStore<Note>({ adapter, name: 'notes' })).toEqualTypeOf<Promise<TimelineStore<Note>>>();
    expectTypeOf(store.timeline('a')).toEqualTypeOf<Timeline<Note>>();
    expectTypeOf(timeline.read()).toEqualTypeOf<Promise<Page<Note>>>();
    expectTypeOf(timeline.scan()).toEqualTypeOf<AsyncIterable<TimelineEntry<Note>>>();
    expectTypeOf(timeline.pages()).toEqualTypeOf<AsyncIterable<Page<Note>>>();
    expectTypeOf(timeline.subscribe()).toEqualTypeOf<AsyncIterable<TimelineEntry<Note>>>();
    expectTypeOf(timeline.get(1n)).toEqualTypeOf<Promise<TimelineEntry<Note> | undefined>>();
    expectTypeOf(timeline.latest()).toEqualTypeOf<Promise<TimelineEntry<Note> | undefined>>();
    expectTypeOf(store.readBatch([{ timeline: 'a' }])).toEqualTypeOf<Promise<Page<Note>[]>>();
    expectTypeOf<TimelineEntry<Note>['message']>().toEqualTypeOf<Note>();
  });

  it('is asked of every writer', () => {
    expectTypeOf(timeline.append).parameter(0).toEqualTypeOf<Note>();
    expectTypeOf(timeline.appendMany).parameter(0).toEqualTypeOf<readonly Note[]>();
    expectTypeOf(timeline.update).parameter(1).toEqualTypeOf<Note>();
    expectTypeOf(store.appendToMany).parameter(1).toEqualTypeOf<Note>();
    // @ts-expect-error: not a Note
    timeline.append({ txt: 'x' });
    // @ts-expect-error: not a Note either
    store.appendBatch([{ timeline: 'a', message: 'x' }]);
  });

  it('comes from the schema or the codec where one is given', () => {
    const schema = {} as StandardSchemaV1<unknown, Note>;
    const codec = {} as Codec<Note>;
    expectTypeOf(openTimelineStore({ adapter, name: 'notes', schema })).toEqualTypeOf<Promise<TimelineStore<Note>>>();
    expectTypeOf(openTimelineStore({ adapter, name: 'notes', codec })).toEqualTypeOf<Promise<TimelineStore<Note>>>();
  });

  it('is unknown, and not any, where nobody names it', () => {
    expectTypeOf(openTimelineStore({ adapter, name: 'notes' })).toEqualTypeOf<Promise<TimelineStore<unknown>>>();
  });
});

describe('a schema', () => {
  it('of the published Standard Schema interface fits', () => {
    const schema = {} as SpecifiedSchema<unknown, Note>;
    expectTypeOf(openTimelineStore({ adapter, name: 'notes', schema })).toEqualTypeOf<Promise<TimelineStore<Note>>>();
    expectTypeOf<SpecifiedSchema<unknown, Note>>().toExtend<StandardSchemaV1<unknown, Note>>();
    expectTypeOf<StandardSchemaV1<unknown, Note>>().toExtend<SpecifiedSchema<unknown, Note>>();
  });
});

describe('results', () => {
  it('narrow by ok', () => {
    expectTypeOf(store.appendBatch([])).toEqualTypeOf<Promise<BatchOutcome[]>>();
    expectTypeOf(store.appendToMany(['a'], { text: 'x' })).toEqualTypeOf<Promise<BatchOutcome[]>>();
    if (outcome.ok) {
      expectTypeOf(outcome.seqId).toEqualTypeOf<bigint>();
      expectTypeOf(outcome).not.toHaveProperty('error');
    } else {
      expectTypeOf(outcome.error).toEqualTypeOf<TimelineError>();
      expectTypeOf(outcome).not.toHaveProperty('seqId');
    }
  });

  it('of an append are ids, cursors and the mark of a repetition', () => {
    expectTypeOf(timeline.append({ text: 'x' })).toEqualTypeOf<Promise<AppendResult>>();
    expectTypeOf<AppendResult>().toEqualTypeOf<{
      readonly seqId: bigint;
      readonly cursor: Cursor;
      readonly duplicate: boolean;
      toJSON(): unknown;
    }>();
    expectTypeOf<Head['lastSeqId']>().toEqualTypeOf<bigint>();
  });
});

describe('errors', () => {
  it('are recognised from unknown, by either way', () => {
    const caught: unknown = undefined;
    if (isTimelineError(caught)) expectTypeOf(caught).toEqualTypeOf<TimelineError>();
    if (caught instanceof TimelineError) expectTypeOf(caught.code).toEqualTypeOf<TimelineErrorCode>();
  });

  it('carry a code out of a closed list', () => {
    const error = {} as TimelineError;
    // @ts-expect-error: no such code
    error.code === 'TIMELINE_NOPE';
    expectTypeOf(error.outcome).toEqualTypeOf<'not-applied' | 'applied' | 'unknown'>();
  });
});

describe('options', () => {
  it('may be undefined explicitly, so that they can be passed on', () => {
    const after: Cursor | undefined = undefined;
    const signal: AbortSignal | undefined = undefined;
    timeline.read({ after, before: undefined, limit: undefined, reverse: undefined, signal });
    timeline.append({ text: 'x' }, { key: undefined, seqId: undefined, expectedLast: undefined, signal });
    openTimelineStore<Note>({
      adapter,
      name: 'notes',
      ttlMs: undefined,
      schema: undefined,
      codec: undefined,
      now: undefined,
    });
  });

  it('take cursors and SeqIds alike, but no numbers', () => {
    timeline.read({ after: 1n, before: 'cursor' });
    // @ts-expect-error: a SeqId is a bigint
    timeline.read({ after: 1 });
    // @ts-expect-error: a manual SeqId too
    timeline.append({ text: 'x' }, { seqId: 1 });
  });

  it('for an id are strings and integers, one or several', () => {
    expectTypeOf<'a' | 1 | 1n>().toExtend<TimelineId>();
    expectTypeOf<readonly [string, number, bigint]>().toExtend<TimelineId>();
    expectTypeOf<Date>().not.toExtend<TimelineId>();
  });

  it('of trim are one or the other', () => {
    timeline.trim({ through: 1n });
    timeline.trim({ keepLast: 1 });
    // @ts-expect-error: neither
    timeline.trim({});
  });
});

describe('an adapter', () => {
  it('needs open, append, read, heads and close only', () => {
    const library = {} as Pick<AdapterLibrary, 'capabilities' | 'append' | 'read' | 'heads' | 'close'>;
    const minimal = { name: 'mine', open: async () => library };
    expectTypeOf(minimal).toExtend<TimelineAdapter>();
    // @ts-expect-error: heads are missing
    const less: AdapterLibrary = {} as Omit<typeof library, 'heads'>;
    expectTypeOf(less).toEqualTypeOf<AdapterLibrary>();
  });

  it('may leave an optional method out, but not set it to undefined', () => {
    // @ts-expect-error: exactOptionalPropertyTypes
    const library: AdapterLibrary = { ...({} as AdapterLibrary), trim: undefined };
    expectTypeOf(library).toEqualTypeOf<AdapterLibrary>();
  });
});

describe('disposal', () => {
  it('works with await using', () => {
    expectTypeOf<TimelineStore<Note>>().toExtend<AsyncDisposable>();
  });
});
