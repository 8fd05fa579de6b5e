import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { USER_CODE_MS } from '../../src/budget.js';
import { openTimelineStore, type StandardSchemaV1, type TimelineStore } from '../../src/index.js';
import { validate } from '../../src/schema.js';

const invalid = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'message', outcome: 'not-applied' };

/** A schema whose answer is whatever the test gives, right or wrong. */
function schemaOf(answer: (message: unknown) => unknown): StandardSchemaV1<unknown, unknown> {
  return { '~standard': { version: 1, vendor: 'test', validate: answer as never } };
}

const open = (answer: (message: unknown) => unknown): Promise<TimelineStore<unknown>> =>
  openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'schema', schema: schemaOf(answer) });

/** A promise, and another thing that can be awaited, of any making. */
const awaitables: [string, (value: unknown) => unknown][] = [
  [
    'a promise of another realm',
    (value) => (runInNewContext('(value) => Promise.resolve(value)') as (v: unknown) => unknown)(value),
  ],
  [
    'a thenable',
    (value) => ({
      // biome-ignore lint/suspicious/noThenProperty: this is the case
      then: (resolve: (value: unknown) => void) => resolve(value),
    }),
  ],
  [
    'a function with then',
    // biome-ignore lint/suspicious/noThenProperty: this is the case
    (value) => Object.assign(() => 0, { then: (resolve: (value: unknown) => void) => resolve(value) }),
  ],
];

describe.each(awaitables)('a schema that answers by %s', (_, later) => {
  it('has its output stored', async () => {
    await using store = await open((message) => later({ value: `checked ${message}` }));
    await store.timeline('t').append('a');
    await store.timeline('t').update(1n, 'b');
    const appended = await store.timeline('t').appendMany(['c', 'd']);
    const batch = await store.appendBatch([{ timeline: 't', message: 'e' }]);
    expect([appended.length, batch[0]?.ok]).toEqual([2, true]);
    const { entries } = await store.timeline('t').read();
    expect(entries.map(({ message }) => message)).toEqual(['b', 'c', 'd', 'e'].map((text) => `checked ${text}`));
  });

  it('can refuse', async () => {
    await using store = await open(() => later({ issues: [{ message: 'no' }] }));
    await expect(store.timeline('t').append('a')).rejects.toMatchObject({ ...invalid, issues: [{ message: 'no' }] });
    expect(await store.appendToMany(['t', 'u'], 'a')).toMatchObject([{ error: invalid }, { error: invalid }]);
    expect((await store.timeline('t').head()).lastSeqId).toBe(0n);
  });
});

const realmError = () => runInNewContext('throw new TypeError("of another realm")');
const hostile = Object.defineProperty({}, 'then', {
  get: () => {
    throw new Error('trap');
  },
});
const wrong: [string, (message: unknown) => unknown, RegExp][] = [
  ['nothing', () => undefined, /the schema answered undefined/],
  ['null', () => null, /the schema answered null/],
  ['the message itself', (message) => message, /the schema answered "a"/],
  ['true', () => true, /the schema answered true/],
  ['an object without value and issues', () => ({ ok: true }), /neither value nor issues/],
  ['a promise of nothing', async () => undefined, /the schema answered undefined/],
  ['issues that are no list', () => ({ issues: 'too short' }), /"too short"/],
  ['issues without messages', () => ({ issues: [null, 7] }), /no reason given/],
  ['an empty list of issues', () => ({ issues: [] }), /no reason given/],
  ['an issue with a strange path', () => ({ issues: [{ message: 'no', path: 'a.b' }] }), /does not fit the schema: no/],
  ['an error of another realm', realmError, /the schema failed: of another realm/],
  ['a thrown string', () => Promise.reject('just no'), /the schema failed: just no/],
  ['a thrown object without text', () => Promise.reject(Object.create(null)), /the schema failed: no reason given/],
  ['an object with a trap', () => hostile, /the schema failed: trap/],
];

it.each(wrong)('a schema that answers with %s is refused, and nothing is stored', async (_, answer, message) => {
  await using store = await open(answer);
  await expect(store.timeline('t').append('a')).rejects.toMatchObject({
    ...invalid,
    message: expect.stringMatching(message),
  });
  await expect(store.timeline('t').appendMany(['a'])).rejects.toMatchObject(invalid);
  await expect(store.timeline('t').update(1n, 'a')).rejects.toMatchObject(invalid);
  expect(await store.appendBatch([{ timeline: 't', message: 'a' }])).toMatchObject([{ ok: false, error: invalid }]);
  expect((await store.timeline('t').head()).lastSeqId).toBe(0n);
});

it('an output of undefined counts: JSON has no form for it, another codec may have', async () => {
  for (const answer of [() => ({ value: undefined }), async () => ({ value: undefined })]) {
    await using store = await open(answer);
    await expect(store.timeline('t').append('raw')).rejects.toMatchObject({
      ...invalid,
      message: /JSON has no form for undefined/,
    });
  }
  const codec = { encode: (message: unknown) => String(message), decode: String };
  const schema = schemaOf(() => ({ value: undefined }));
  await using store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'own', schema, codec });
  await store.timeline('t').append('raw');
  expect((await store.timeline('t').get(1n))?.message).toBe('undefined');
});

describe('a schema that never answers', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const never = () => new Promise(() => undefined);

  it('fails its own message, as the store did not get it', async () => {
    await expect(validate(schemaOf(never), 'a', 20)).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      outcome: 'not-applied',
      cause: { name: 'TimeoutError' },
    });
  });

  it('has half a minute', async () => {
    await using store = await open((message) => (message === 'slow' ? never() : { value: message }));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const settled = vi.fn();
    const slow = [
      store.timeline('t').append('slow'),
      store.timeline('u').appendMany(['quick', 'slow']),
      store.timeline('v').update(1n, 'slow'),
    ].map((call) => call.catch((error: unknown) => error).finally(settled));
    await vi.advanceTimersByTimeAsync(USER_CODE_MS - 1);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await Promise.all(slow)).toMatchObject(
      slow.map(() => ({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' })),
    );
  });

  it('is not waited for once it has answered: no timer is left', async () => {
    const ms = 12_345;
    using started = vi.spyOn(globalThis, 'setTimeout');
    using cleared = vi.spyOn(globalThis, 'clearTimeout');
    const answering = schemaOf(async (value) => ({ value }));
    await validate(answering, 'a', ms);
    await new Promise((resolve) => setImmediate(resolve));
    // Of this call alone: other files in this worker may have timers.
    const timers = started.mock.results.flatMap(({ value }, i) => (started.mock.calls[i]?.[1] === ms ? [value] : []));
    expect(timers).toHaveLength(1);
    expect(cleared.mock.calls.flat()).toContain(timers[0]);
  });
});
