import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { structuralForm } from '../../src/fingerprint.js';

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
