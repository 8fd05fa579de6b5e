import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTimelineId, encodeTimelineId, type TimelineId } from '../../src/index.js';

const part = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.stringMatching(/^[~/i01]{0,8}$/),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
);
const id = fc.array(part, { minLength: 1, maxLength: 3 }).filter((parts) => parts.length > 1 || parts[0] !== '');

/** Equal for two ids of the same Timeline: their parts are equal, where 1 and 1n are equal and 1 and '1' are not. */
const identity = (parts: readonly (string | number | bigint)[]) =>
  JSON.stringify(parts.map((value) => (typeof value === 'string' ? ['s', value] : ['i', String(value)])));

describe('Timeline ids', () => {
  it('encode without collisions', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        expect(encodeTimelineId(a) === encodeTimelineId(b)).toBe(identity(a) === identity(b));
      }),
    );
  });

  it('come back from their encoded form', () => {
    fc.assert(
      fc.property(id, (parts) => {
        const decoded = decodeTimelineId(encodeTimelineId(parts));
        expect(identity(Array.isArray(decoded) ? decoded : [decoded as string])).toBe(identity(parts));
      }),
    );
  });

  it('stay readable where nothing needs an escape', () => {
    expect(encodeTimelineId('group:42')).toBe('group:42');
    expect(encodeTimelineId(['tenant-7', 'group:42', 3])).toBe('tenant-7/group:42/~i3');
  });

  it.each([
    ['an empty string', ''],
    ['an empty list', []],
    ['four parts', ['a', 'b', 'c', 'd']],
    ['a fraction', 1.5],
    ['an unsafe number', 2 ** 60],
    ['more than 64 bits', 1n << 63n],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate in a part', ['a', '\udc00']],
    ['nothing', undefined],
    ['an object', {}],
  ])('refuse %s', (_, value) => {
    expect(() => encodeTimelineId(value as TimelineId)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT' }),
    );
  });

  it('take 512 bytes of UTF-8 and not one more', () => {
    expect(encodeTimelineId('é'.repeat(256))).toHaveLength(256);
    for (const long of ['x'.repeat(513), `${'é'.repeat(256)}x`, ['x'.repeat(500), 'y'.repeat(13)]]) {
      expect(() => encodeTimelineId(long)).toThrow(expect.objectContaining({ code: 'TIMELINE_TOO_LARGE', limit: 512 }));
    }
  });
});
