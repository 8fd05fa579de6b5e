import { describe, expect, it } from 'vitest';
import type { TimelineError } from '../../src/errors.js';
import * as toolkit from '../../src/toolkit/index.js';

const { compareUtf8, cutoff, equalBytes, furtherPosition, groupByTimeline } = toolkit;

describe('cutoff', () => {
  it('hides an entry in the millisecond in which it expires, and not before', () => {
    const appendedAt = 1000;
    const isHidden = (now: number) => appendedAt <= cutoff(now, 50);
    expect([1049, 1050, 1051].map(isHidden)).toEqual([false, true, true]);
  });

  it('lies before all times where everything is kept for ever', () => {
    for (const maxAgeMs of [undefined, null, Number.POSITIVE_INFINITY]) {
      expect(cutoff(8.64e15, maxAgeMs)).toBe(Number.NEGATIVE_INFINITY);
    }
  });
});

describe('compareUtf8', () => {
  it('orders by bytes, where JavaScript orders by UTF-16 units', () => {
    const ids = ['\u{10000}', '\uffff', 'b', 'a', ''];
    expect([...ids].sort(compareUtf8)).toEqual(['', 'a', 'b', '\uffff', '\u{10000}']);
    expect([...ids].sort()).not.toEqual([...ids].sort(compareUtf8));
    expect(compareUtf8('a', 'a')).toBe(0);
  });
});

describe('equalBytes', () => {
  it('compares content, whatever the class', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2]))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  });
});

describe('groupByTimeline', () => {
  it('keeps the order of Timelines and of the items of each', () => {
    const items = ['b', 'a', 'b', 'c', 'a'].map((timeline) => ({ timeline }));
    expect([...groupByTimeline(items)]).toEqual([
      ['b', [0, 2]],
      ['a', [1, 4]],
      ['c', [3]],
    ]);
    expect(groupByTimeline([]).size).toBe(0);
  });
});

describe('furtherPosition', () => {
  const key = { timeline: 't', reader: 'phone' };
  const at = (seqId: bigint, epoch = 'e1') => ({ epoch, seqId });

  it('moves forward only', () => {
    const [stored, ahead] = [at(5n), at(6n)];
    expect(furtherPosition(key, undefined, ahead)).toBe(ahead);
    expect(furtherPosition(key, stored, ahead)).toBe(ahead);
    expect(furtherPosition(key, stored, at(5n))).toBe(stored);
    expect(furtherPosition(key, stored, at(4n))).toBe(stored);
  });

  it('refuses another epoch, whichever is further on', () => {
    for (const seqId of [4n, 6n]) {
      expect(() => furtherPosition(key, at(5n), at(seqId, 'e2'))).toThrow(
        expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED', timeline: 't', actual: 5n }),
      );
    }
  });
});

describe('the errors of the contract', () => {
  const cases: readonly [TimelineError, object][] = [
    [toolkit.keyConflict('t', 'k"', 3n), { code: 'TIMELINE_KEY_CONFLICT', actual: 3n }],
    [toolkit.seqIdConflict('t', { chosen: 4n, last: 9n }), { code: 'TIMELINE_CONFLICT', expected: 4n, actual: 9n }],
    [
      toolkit.lastSeqIdConflict('t', { expected: 4n, last: 9n }),
      { code: 'TIMELINE_CONFLICT', expected: 4n, actual: 9n },
    ],
    [toolkit.entryNotFound('t', 7n), { code: 'TIMELINE_NOT_FOUND', actual: 7n }],
    [
      toolkit.revisionConflict('t', 7n, { expected: 1, actual: 2 }),
      { code: 'TIMELINE_CONFLICT', expected: 1, actual: 2 },
    ],
  ];

  it.each(cases)('%s', (error, details) => {
    expect(error).toMatchObject({ ...details, timeline: 't', retryable: false, outcome: 'not-applied' });
  });
});

describe('planWrite', () => {
  const payload = (hash: string) => ({ body: hash, hash, shared: false });
  const known = new Map([['old', { seqId: 2n, hash: 'x' }]]);
  const plan = (write: Omit<Parameters<typeof toolkit.planWrite>[0], 'timeline'>) =>
    toolkit.planWrite({ timeline: 't', ...write }, 5n, (key) => known.get(key));

  it('numbers new entries and answers known keys, also of this very write', () => {
    const entries = [
      { payload: payload('x'), key: 'old' },
      { payload: payload('a'), key: 'new' },
      { payload: payload('b') },
      { payload: payload('a'), key: 'new' },
    ];
    const { appended, fresh } = plan({ entries });
    expect(appended).toEqual([
      { seqId: 2n, duplicate: true },
      { seqId: 6n, duplicate: false },
      { seqId: 7n, duplicate: false },
      { seqId: 6n, duplicate: true },
    ]);
    expect(fresh.map(({ seqId, entry }) => [seqId, entry.payload.body])).toEqual([
      [6n, 'a'],
      [7n, 'b'],
    ]);
  });

  it('refuses a key that stands for another message', () => {
    expect(() => plan({ entries: [{ payload: payload('y'), key: 'old' }] })).toThrow(
      expect.objectContaining({ code: 'TIMELINE_KEY_CONFLICT', actual: 2n }),
    );
  });

  it('checks expectedLast only if there is something new', () => {
    const repeated = [{ payload: payload('x'), key: 'old' }];
    expect(plan({ entries: repeated, expectedLast: 1n }).fresh).toEqual([]);
    expect(() => plan({ entries: [...repeated, { payload: payload('z') }], expectedLast: 1n })).toThrow(
      expect.objectContaining({ code: 'TIMELINE_CONFLICT', expected: 1n, actual: 5n }),
    );
  });

  it('refuses a chosen SeqId that is not above the last, or above 2^63 - 1', () => {
    const chosen = (seqId: bigint) => () => plan({ entries: [{ payload: payload('z'), seqId }] });
    expect(chosen(8n)().fresh[0]?.seqId).toBe(8n);
    for (const seqId of [5n, 1n << 63n]) {
      expect(chosen(seqId)).toThrow(
        expect.objectContaining({ code: 'TIMELINE_CONFLICT', expected: seqId, actual: 5n }),
      );
    }
  });
});
