import assert from 'node:assert/strict';
import type { TimelineErrorCode } from '../../src/errors.js';
import type { StandardSchemaV1 } from '../../src/schema.js';
import type { AppendOptions, CountOptions, ReadRange, TimelineId } from '../../src/types.js';
import { fill, messages, readAll, rejects, succeeded, take } from '../assertions.js';
import { law } from '../law-group.js';
import { type Attempt, refuseAll, wrong } from '../refusals.js';

const BAD_IDS: readonly (readonly [string, unknown, ...TimelineErrorCode[]])[] = [
  ['empty', ''],
  ['no parts', []],
  ['four parts', ['a', 'b', 'c', 'd']],
  ['only an empty part', ['']],
  ['undefined', undefined],
  ['null', null],
  ['an object', {}],
  ['a fraction', 1.5],
  ['not a number', Number.NaN],
  ['an unsafe integer', 2 ** 53],
  ['beyond 64 bits', 2n ** 63n],
  ['a lone surrogate', 'a\ud800'],
  ['too long', 'x'.repeat(513), 'TIMELINE_TOO_LARGE'],
  ['too long in UTF-8', 'é'.repeat(257), 'TIMELINE_TOO_LARGE'],
  ['too long together', ['x'.repeat(200), 'x'.repeat(200), 'x'.repeat(200)], 'TIMELINE_TOO_LARGE'],
];

export const limits = law('Limits', 'invalid arguments are refused before any I/O', (test) => {
  test('Timeline ids', async (fixture) => {
    await refuseAll(fixture, (store) =>
      BAD_IDS.flatMap(([label, id, ...codes]): Attempt[] => [
        [`timeline of ${label}`, () => store.timeline(id as TimelineId), ...codes],
        [`heads of ${label}`, () => store.heads(['good', id as TimelineId]), ...codes],
        [
          `readBatch of ${label}`,
          () => store.readBatch([{ timeline: 'good' }, { timeline: id as TimelineId }]),
          ...codes,
        ],
        [
          `appendBatch to ${label}`,
          () => store.appendBatch([{ timeline: id as TimelineId, message: 'm' }]).then(([o]) => succeeded(o)),
          ...codes,
        ],
        [
          `appendToMany to ${label}`,
          () => store.appendToMany([id as TimelineId], 'm').then(([o]) => succeeded(o)),
          ...codes,
        ],
      ]),
    );
  });

  test('bounds and limits of reads', async (fixture) => {
    const ranges: [string, ReadRange][] = [
      ['after -1n', { after: -1n }],
      ['after 2^63', { after: 2n ** 63n }],
      ['after a number', { after: wrong(1) }],
      ['before -1n', { before: -1n }],
      ['before a date', { before: wrong(new Date()) }],
      ['limit 0', { limit: 0 }],
      ['limit -1', { limit: -1 }],
      ['limit 1.5', { limit: 1.5 }],
      ['limit NaN', { limit: Number.NaN }],
      ['limit as text', { limit: wrong('10') }],
      ['reverse as text', { reverse: wrong('yes') }],
    ];
    await refuseAll(fixture, (store, timeline) => [
      ...ranges.flatMap(([label, range]): Attempt[] => [
        [`read, ${label}`, () => timeline.read(range)],
        [`scan, ${label}`, () => take(timeline.scan(range))],
        [`pages, ${label}`, () => take(timeline.pages(range))],
        [`readBatch, ${label}`, () => store.readBatch([{ timeline: 'good' }, { timeline: 'bad', ...range }])],
      ]),
      ['pageSize 0', () => take(timeline.scan({ pageSize: 0 }))],
      ['pageSize 10,001', () => take(timeline.scan({ pageSize: 10_001 }))],
      ['subscribe after -1n', () => take(timeline.subscribe({ after: -1n }), 1)],
      ['subscribe, pageSize 0', () => take(timeline.subscribe({ pageSize: 0 }), 1)],
      ['get(0n)', () => timeline.get(0n)],
      ['get(1)', () => timeline.get(wrong(1))],
    ]);
  });

  test('options of appends', ['keys', 'manualIds', 'expectedLast'], async (fixture) => {
    const options: [string, AppendOptions, ...TimelineErrorCode[]][] = [
      ['an empty key', { key: '' }],
      ['a key of 1025 bytes', { key: 'x'.repeat(1025) }, 'TIMELINE_TOO_LARGE'],
      ['a number as key', { key: wrong(7) }],
      ['a lone surrogate in the key', { key: 'k\udc00' }],
      ['seqId 0n', { seqId: 0n }],
      ['seqId -1n', { seqId: -1n }],
      ['seqId 2^63', { seqId: 2n ** 63n }],
      ['a number as seqId', { seqId: wrong(5) }],
      ['expectedLast -1n', { expectedLast: -1n }],
      ['a number as expectedLast', { expectedLast: wrong(0) }],
    ];
    await refuseAll(fixture, (store, timeline) => [
      ...options.map(([label, option, ...codes]): Attempt => [label, () => timeline.append('m', option), ...codes]),
      ['keys too few', () => timeline.appendMany(['a', 'b'], { keys: ['k'] })],
      ['no array of messages', () => timeline.appendMany(wrong('ab'))],
      ['no array of items', () => store.appendBatch(wrong({}))],
      ['no array of Timelines', () => store.appendToMany(wrong('timeline'), 'm')],
      [
        'an empty key in a batch',
        () => store.appendBatch([{ timeline: 't', message: 'm', key: '' }]).then(([o]) => succeeded(o)),
      ],
    ]);
  });

  test('messages that have no encoding', async (fixture) => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    await refuseAll(fixture, (store, timeline) =>
      [undefined, () => 1, Symbol('s'), 1n, cycle].flatMap((message): Attempt[] => [
        [`append ${String(typeof message)}`, () => timeline.append(wrong(message))],
        [
          `appendBatch ${String(typeof message)}`,
          () => store.appendBatch([{ timeline: 't', message: wrong(message) }]).then(([o]) => succeeded(o)),
        ],
        [
          `appendToMany ${String(typeof message)}`,
          () => store.appendToMany(['t'], wrong(message)).then(([o]) => succeeded(o)),
        ],
      ]),
    );
  });

  test('messages above maxBodyBytes, with the limit in the error', async (fixture) => {
    const { maxBodyBytes } = fixture.capabilities;
    const message = 'x'.repeat(maxBodyBytes - 1);
    await refuseAll(fixture, (store, timeline) => [
      ['append', () => timeline.append(message), 'TIMELINE_TOO_LARGE'],
      [
        'appendBatch',
        () => store.appendBatch([{ timeline: 't', message }]).then(([o]) => succeeded(o)),
        'TIMELINE_TOO_LARGE',
      ],
      ['appendToMany', () => store.appendToMany(['t'], message).then(([o]) => succeeded(o)), 'TIMELINE_TOO_LARGE'],
    ]);
    assert.equal((await rejects(fixture.timeline().append(message), 'TIMELINE_TOO_LARGE')).limit, maxBodyBytes);
  });

  test('messages that fail the schema, with its issues', async (fixture) => {
    const schema: StandardSchemaV1<unknown, string> = {
      '~standard': {
        version: 1,
        vendor: 'conformance',
        validate: (value) =>
          value === 'good' ? { value: 'GOOD' } : { issues: [{ message: 'is not good', path: ['here'] }] },
      },
    };
    const { store, calls } = await fixture.openCounted<string>({ schema });
    const error = await rejects(store.timeline('timeline').append('bad'), 'TIMELINE_INVALID_ARGUMENT');
    assert.deepEqual(
      error.issues?.map((issue) => issue.message),
      ['is not good'],
    );
    assert.equal(calls.size, 0);
    await store.timeline('timeline').append('good');
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['GOOD']);
  });

  test('arguments of update, delete and trim', ['update', 'delete', 'trim'], async (fixture) => {
    await refuseAll(fixture, (_, timeline) => [
      ['update 0n', () => timeline.update(0n, 'm')],
      ['update of a number', () => timeline.update(wrong(1), 'm')],
      ['ifRevision -1', () => timeline.update(1n, 'm', { ifRevision: -1 })],
      ['ifRevision 0.5', () => timeline.update(1n, 'm', { ifRevision: 0.5 })],
      ['an update without encoding', () => timeline.update(1n, wrong(undefined))],
      ['delete 0n', () => timeline.delete(0n)],
      ['delete of text', () => timeline.delete('one')],
      ['trim through -1n', () => timeline.trim({ through: -1n })],
      ['trim through a number', () => timeline.trim({ through: wrong(1) })],
      ['keepLast -1', () => timeline.trim({ keepLast: -1 })],
      ['keepLast 0.5', () => timeline.trim({ keepLast: 0.5 })],
      ['trim of nothing', () => timeline.trim(wrong({}))],
    ]);
  });

  test('bounds and limits of counts', async (fixture) => {
    const ranges: [string, CountOptions][] = [
      ['after -1n', { after: -1n }],
      ['after a number', { after: wrong(1) }],
      ['before 2^63', { before: 2n ** 63n }],
      ['atMost 0', { atMost: 0 }],
      ['atMost 1.5', { atMost: 1.5 }],
      ['atMost as text', { atMost: wrong('10') }],
      ['atMost Infinity', { atMost: Number.POSITIVE_INFINITY }],
    ];
    await refuseAll(fixture, (store, timeline) => [
      ...ranges.flatMap(([label, range]): Attempt[] => [
        [`count, ${label}`, () => timeline.count(range)],
        [`countBatch, ${label}`, () => store.countBatch([{ timeline: 'good' }, { timeline: 'bad', ...range }])],
      ]),
      ['countBatch of no array', () => store.countBatch(wrong({}))],
      ['countBatch of nothing', () => store.countBatch([wrong(undefined)])],
      ['countBatch of a bad id', () => store.countBatch([{ timeline: '' }])],
      ['count, a bad signal', () => timeline.count({ signal: wrong('now') })],
    ]);
  });

  test('topics and payloads', ['signals'], async (fixture) => {
    const topics: [string, unknown, ...TimelineErrorCode[]][] = [
      ['empty', ''],
      ['a number', 1],
      ['undefined', undefined],
      ['a lone surrogate', 't\ud800'],
      ['too long', 'x'.repeat(256), 'TIMELINE_TOO_LARGE'],
      ['too long in UTF-8', 'é'.repeat(128), 'TIMELINE_TOO_LARGE'],
    ];
    await refuseAll(fixture, (store) => [
      ...topics.flatMap(([label, topic, ...codes]): Attempt[] => [
        [`publish to ${label}`, () => store.publish(wrong(topic), 'p'), ...codes],
        [`listen to ${label}`, () => store.listen(['good', wrong(topic)], () => {}), ...codes],
      ]),
      ['a payload of bytes', () => store.publish('t', wrong(new Uint8Array(1)))],
      ['no payload', () => store.publish('t', wrong(undefined))],
      ['a lone surrogate in the payload', () => store.publish('t', 'p\udc00')],
      ['a payload above 64 KiB', () => store.publish('t', 'x'.repeat(65_537)), 'TIMELINE_TOO_LARGE'],
      ['above 64 KiB in UTF-8', () => store.publish('t', 'é'.repeat(32_769)), 'TIMELINE_TOO_LARGE'],
      ['no array of topics', () => store.listen(wrong('t'), () => {})],
      ['no listener', () => store.listen(['t'], wrong(undefined))],
      ['a listener that is no function', () => store.listen(['t'], wrong({}))],
    ]);
    const tooLarge = await rejects(fixture.store.publish('t', 'x'.repeat(65_537)), 'TIMELINE_TOO_LARGE');
    assert.equal(tooLarge.limit, 65_536);
  });

  test('names of readers', ['checkpoints'], async (fixture) => {
    await refuseAll(fixture, (store, timeline) => [
      ['empty', () => timeline.checkpoint('')],
      ['too long', () => timeline.checkpoint('x'.repeat(256)), 'TIMELINE_TOO_LARGE'],
      ['a number', () => timeline.checkpoint(wrong(1))],
      ['empty in a batch', () => store.checkpoints([{ timeline: 't', reader: '' }])],
    ]);
  });

  test('options of a library', async (fixture) => {
    for (const name of ['', 'a\nb', 'a\0', wrong(undefined), wrong(7)])
      await rejects(fixture.open({ name }), 'TIMELINE_INVALID_ARGUMENT');
    await rejects(fixture.open({ name: 'x'.repeat(256) }), 'TIMELINE_TOO_LARGE', 'TIMELINE_INVALID_ARGUMENT');
    for (const ttlMs of [0, -1, 1.5, Number.NaN])
      await rejects(fixture.open({ ttlMs }), 'TIMELINE_INVALID_ARGUMENT', 'TIMELINE_UNSUPPORTED');
    await rejects(fixture.open({ adapter: wrong({}) }), 'TIMELINE_INVALID_ARGUMENT');
    await rejects(fixture.open({ pollMs: 0 }), 'TIMELINE_INVALID_ARGUMENT');
    await rejects(fixture.open({ limits: { pendingWrites: 0 } }), 'TIMELINE_INVALID_ARGUMENT');
  });

  test('the largest allowed values', async (fixture) => {
    const { maxBodyBytes, keyWindowMs, checkpoints } = fixture.capabilities;
    const store = await fixture.open({ name: 'x'.repeat(255) });
    const timeline = store.timeline('x'.repeat(512));
    const message = 'x'.repeat(maxBodyBytes - 2);
    const options = keyWindowMs === 0 ? {} : { key: 'x'.repeat(1024) };
    const { cursor, seqId } = await timeline.append(message, options);
    assert.equal((await timeline.read({ limit: 10_000 })).entries[0]?.message, message);
    assert.equal((await take(timeline.scan({ pageSize: 10_000 }))).length, 1);
    assert.equal((await timeline.get(seqId))?.key, options.key);
    if (checkpoints) assert.equal(await timeline.checkpoint('x'.repeat(255)).advance(cursor), cursor);
  });

  test('an aborted signal', async (fixture) => {
    const aborted = AbortSignal.abort();
    await refuseAll(fixture, (store, timeline) => [
      ['append', () => timeline.append('m', { signal: aborted }), 'TIMELINE_ABORTED'],
      ['read', () => timeline.read({ signal: aborted }), 'TIMELINE_ABORTED'],
      ['head', () => timeline.head({ signal: aborted }), 'TIMELINE_ABORTED'],
      ['scan', () => take(timeline.scan({ signal: aborted })), 'TIMELINE_ABORTED'],
      ['heads', () => store.heads(['t'], { signal: aborted }), 'TIMELINE_ABORTED'],
    ]);
  });

  test('a refused call leaves nothing half-written', async (fixture) => {
    await fill(fixture.timeline(), 2);
    const outcomes = await fixture.store.appendBatch([
      { timeline: 'timeline', message: 'm3' },
      { timeline: '', message: 'nowhere' },
      { timeline: 'timeline', message: wrong(undefined) },
      { timeline: 'timeline', message: 'm4' },
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok),
      [true, false, false, true],
    );
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2', 'm3', 'm4']);
  });
});
