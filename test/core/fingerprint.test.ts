import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { structuralForm } from '../../src/fingerprint.js';
import { type Codec, openTimelineStore } from '../../src/index.js';

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

const bytes = Uint8Array.of(1, 0, 2, 0, 3, 0, 4, 0).buffer;
const realm = (code: string): unknown => runInNewContext(code);

/** Each differs from all others, also where JSON, or `String`, says the same of several. */
const different: unknown[] = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    1.5,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e21,
  ],
  ...[
    0n,
    1n,
    -1n,
    10n ** 30n,
    '',
    '0',
    '1',
    '-0',
    '1n',
    'null',
    'undefined',
    'NaN',
    'true',
    'hole',
    '[]',
    '{}',
    '"',
    '\\',
    '\n',
  ],
  ...['\ud800', '\udc00', '\ufffd', '\\ud800', '"\\ud800"', '5:ab\ud800', '\u00e9', 'e\u0301', 'a', '1:a', '"1:a'],
  ...[
    [],
    [[]],
    [undefined],
    [null],
    ['null'],
    [1],
    [1, 2],
    [2, 1],
    ['1,2'],
    [[1], 2],
    [1, [2]],
    new Array(1),
    [undefined, undefined],
  ],
  ...[
    {},
    { a: undefined },
    { a: null },
    { a: 1 },
    { a: '1' },
    { a: 1n },
    { A: 1 },
    { b: 1 },
    { a: 1, b: 2 },
    { a: 2, b: 1 },
    { 1: 'a' },
  ],
  ...[{ a: { b: 1 } }, { a: {}, b: 1 }, { 'a=1,b': 2 }, { '': 1 }, { '\ud800': 1 }, { '\udc00': 1 }],
  ...[new Date(0), new Date(1), new Date(Number.NaN), '1970-01-01T00:00:00.000Z', [0], { getTime: 0 }],
  ...[
    new Map(),
    new Set(),
    new Map([['a', 1]]),
    new Map([[1, 'a']]),
    new Set(['a']),
    new Set([1]),
    new Set([['a', 1]]),
  ],
  ...[
    new Map([['a', undefined]]),
    new Map<unknown, unknown>([[{ a: 1 }, 1]]),
    new Set([new Set()]),
    new Set([new Map()]),
  ],
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array].map(
    (Kind) => new Kind(bytes),
  ),
  ...[new Float64Array(bytes), new BigInt64Array(bytes), new BigUint64Array(bytes), new DataView(bytes), bytes],
  ...[
    new Uint8Array(),
    new Uint8Array(2),
    new Uint8Array(bytes, 2),
    Uint8Array.of(1),
    Float64Array.of(0),
    Float64Array.of(-0),
  ],
];

it('tells apart whatever is not the same', () => {
  const forms = new Map<string, unknown>();
  for (const value of different) {
    const form = structuralForm(value);
    if (forms.has(form))
      expect.fail(`${String(form)} stands for two values: ${String(value)} and ${String(forms.get(form))}`);
    forms.set(form, value);
    const deeper = structuralForm({ in: [value] });
    if (forms.has(deeper)) expect.fail(`${String(deeper)} stands for two values`);
    forms.set(deeper, value);
  }
  expect(forms.size).toBe(2 * different.length);
});

const same: [string, unknown, unknown][] = [
  ['properties in another order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
  [
    'many properties in another order',
    Object.fromEntries([...'qwertyuiopasdfghjklzxcvbnm'].map((name) => [name, 1])),
    Object.fromEntries([...'mnbvcxzlkjhgfdsapoiuytrewq'].map((name) => [name, 1])),
  ],
  ['properties that are numbers', { 10: 'a', 9: 'b' }, { 9: 'b', 10: 'a' }],
  [
    'entries of a Map in another order',
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
  ['items of a Set in another order', new Set([1, '1', { a: 1 }]), new Set([{ a: 1 }, '1', 1])],
  ['no prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['a Buffer', Buffer.from([1, 2]), Uint8Array.of(1, 2)],
  ['part of a larger buffer', Buffer.from([0, 1, 2]).subarray(1), Uint8Array.of(1, 2)],
  ['an object of another realm', realm('({ a: [1, { b: 2 }] })'), { a: [1, { b: 2 }] }],
  ['a Date of another realm', realm('new Date(5)'), new Date(5)],
  ['a Map of another realm', realm('new Map([["a", new Set([1])]])'), new Map([['a', new Set([1])]])],
  [
    'bytes of another realm',
    realm('[Uint8Array.of(1, 2), new ArrayBuffer(2)]'),
    [Uint8Array.of(1, 2), new ArrayBuffer(2)],
  ],
  ['one object in two places', ((shared) => [shared, shared])({ a: 1 }), [{ a: 1 }, { a: 1 }]],
];

it.each(same)('is the same for %s', (_, one, other) => {
  expect(structuralForm(one)).toBe(structuralForm(other));
});

it('survives whatever keeps the message', () => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
        withNullPrototype: true,
      }),
      (value) => structuralForm(structuredClone(value)) === structuralForm(value),
    ),
    { numRuns: 500 },
  );
});

it('of two JSON values is the same only if they are equal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (one, other) => {
      let equal = true;
      try {
        expect(one).toStrictEqual(other);
      } catch {
        equal = false;
      }
      return (structuralForm(one) === structuralForm(other)) === equal;
    }),
    { numRuns: 500 },
  );
});

const cyclic: { self?: unknown } = {};
cyclic.self = [cyclic];
const cyclicMap = new Map<unknown, unknown>();
cyclicMap.set('self', cyclicMap);
let deep: unknown = 1;
for (let i = 0; i < 100_000; i++) deep = [deep];
const detached = new ArrayBuffer(8);
structuredClone(detached, { transfer: [detached] });

const formless: [string, unknown][] = [
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['an instance of a class', new Money(1)],
  ['a class that derives from Date', new (class Day extends Date {})(0)],
  ['a class that derives from Map', new (class Bag extends Map {})()],
  ['a class that derives from Array', new (class List extends Array {})()],
  ['a class that derives from Uint8Array', new (class Bytes extends Uint8Array {})(1)],
  ['an object that inherits', Object.create({ a: 1 })],
  ['an Error', new Error('e')],
  ['a regular expression', /a/],
  ['a promise', Promise.resolve(1)],
  ['a WeakMap', new WeakMap()],
  ['a string object', new String('a')],
  ['a URL', new URL('http://localhost/')],
  ['a SharedArrayBuffer', new SharedArrayBuffer(1)],
  ['a Map with properties', Object.assign(new Map(), { a: 1 })],
  ['an object that holds itself', cyclic],
  ['a Map that holds itself', cyclicMap],
  ['too much depth', deep],
  ['bytes that were transferred', detached],
  [
    'a proxy with traps',
    new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      },
    ),
  ],
];

describe.each(formless)('%s', (_, value) => {
  const codec: Codec<unknown> = { encode: () => 'x', decode: () => undefined };

  it('cannot be appended with a key, and the error says what to do', async () => {
    await using store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'formless', codec });
    const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'message', message: /fingerprint\(message\)/ };
    await expect(store.timeline('t').append(value, { key: 'k' })).rejects.toMatchObject(refused);
    await expect(store.timeline('t').append({ in: [value] }, { key: 'k' })).rejects.toMatchObject(refused);
    await expect(store.timeline('t').appendMany([1, value], { keys: ['a', 'b'] })).rejects.toMatchObject(refused);
    const items = [
      { timeline: 't', message: value, key: 'k' },
      { timeline: 't', message: 'good', key: 'l' },
    ];
    expect(await store.appendBatch(items)).toMatchObject([
      { ok: false, error: refused },
      { ok: true, seqId: 1n },
    ]);
  });

  it('needs none without a key, and can be given one', async () => {
    const own = { ...codec, fingerprint: () => 'mine' };
    await using plain = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'plain', codec });
    await plain.timeline('t').append(value);
    await using store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'own', codec: own });
    await store.timeline('t').append(value, { key: 'k' });
    expect(await store.timeline('t').append(value, { key: 'k' })).toMatchObject({ seqId: 1n, duplicate: true });
  });
});

describe('the key of an append', () => {
  it('knows a JSON message again whatever the order of its properties', async () => {
    await using store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'json' });
    const timeline = store.timeline('t');
    await timeline.append({ text: 'a', at: 1 }, { key: 'k' });
    expect(await timeline.append({ at: 1, text: 'a' }, { key: 'k' })).toMatchObject({ duplicate: true });
    await expect(timeline.append({ at: 2, text: 'a' }, { key: 'k' })).rejects.toMatchObject({
      code: 'TIMELINE_KEY_CONFLICT',
    });
  });

  it('looks at the message that the schema made', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => ({ value: String(value).trim() }),
      },
    };
    await using store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'trimmed', schema });
    await store.timeline('t').append(' a', { key: 'k' });
    expect(await store.timeline('t').append('a ', { key: 'k' })).toMatchObject({ duplicate: true });
  });

  it('looks at the fingerprint of the codec, and at it alone', async () => {
    const codec: Codec<Money> = {
      encode: ({ cents }) => `${cents} ${Math.random()}`,
      decode: (body) => new Money(Number.parseInt(String(body), 10)),
      fingerprint: ({ cents }) => String(cents),
    };
    await using store = await openTimelineStore<Money>({ adapter: memoryAdapter(), name: 'money', codec });
    const timeline = store.timeline('t');
    await timeline.append(new Money(5), { key: 'k' });
    expect(await timeline.append(new Money(5), { key: 'k' })).toMatchObject({ duplicate: true });
    await expect(timeline.append(new Money(6), { key: 'k' })).rejects.toMatchObject({ code: 'TIMELINE_KEY_CONFLICT' });
    expect((await timeline.get(1n))?.message).toEqual(new Money(5));
  });

  it.each<[string, () => unknown]>([
    ['a promise', () => Promise.reject(new Error('late'))],
    ['bytes', () => Uint8Array.of(1)],
    ['nothing', () => undefined],
    [
      'an error',
      () => {
        throw 'no Error';
      },
    ],
  ])('is refused if the fingerprint is %s', async (_, fingerprint) => {
    const codec = { encode: String, decode: String, fingerprint: fingerprint as () => string };
    await using store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'x', codec });
    const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'message', message: /fingerprint/ };
    await expect(store.timeline('t').append('a', { key: 'k' })).rejects.toMatchObject(refused);
    await store.timeline('t').append('a');
  });

  it('tells two fingerprints apart that differ in lone surrogates', async () => {
    const codec = { encode: () => 'x', decode: String, fingerprint: String };
    await using store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'x', codec });
    await store.timeline('t').append('\ud800', { key: 'k' });
    await expect(store.timeline('t').append('\udbff', { key: 'k' })).rejects.toMatchObject({
      code: 'TIMELINE_KEY_CONFLICT',
    });
  });
});
