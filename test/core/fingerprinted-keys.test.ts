import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { type Codec, openTimelineStore } from '../../src/index.js';

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

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
