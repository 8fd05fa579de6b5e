import { describe, expect, it } from 'vitest';
import { checkPosition } from '../../src/range.js';
import { TimelineRef } from '../../src/timeline-id.js';

const ref = new TimelineRef('library', 'timeline');
const head = {
  epoch: 'third',
  lastSeqId: 9n,
  ancestors: [
    { epoch: 'second', seqId: 6n },
    { epoch: 'first', seqId: 4n },
  ],
};
const check = (epoch: string, seqId: bigint, of: Parameters<typeof checkPosition>[1] = head) =>
  checkPosition(ref, of, { epoch, seqId });

describe('a position of an earlier epoch', () => {
  it.each([
    ['second', 0n],
    ['second', 6n],
    ['first', 4n],
  ])('stays good up to the fork: %s, %s', (epoch, seqId) => {
    expect(() => check(epoch, seqId)).not.toThrow();
  });

  it.each([
    ['second', 7n],
    ['first', 5n],
    ['first', 6n],
  ])('is refused beyond the fork: %s, %s', (epoch, seqId) => {
    expect(() => check(epoch, seqId)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED', timeline: 'timeline', actual: 9n }),
    );
  });

  it('is refused if the head names no such epoch, or none at all', () => {
    const refused = expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED' });
    expect(() => check('unknown', 0n)).toThrow(refused);
    expect(() => check('second', 1n, { epoch: 'third', lastSeqId: 9n })).toThrow(refused);
  });

  it('is refused beyond the tail, even before the fork', () => {
    const rolledBack = { ...head, lastSeqId: 5n };
    expect(() => check('second', 6n, rolledBack)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_ROLLED_BACK', expected: 6n, actual: 5n }),
    );
  });
});

describe('a position of the present epoch, or a bare SeqId', () => {
  it.each(['third', ''])('is good up to the tail and refused beyond it: "%s"', (epoch) => {
    expect(() => check(epoch, 9n)).not.toThrow();
    expect(() => check(epoch, 10n)).toThrow(expect.objectContaining({ code: 'TIMELINE_ROLLED_BACK' }));
  });
});
