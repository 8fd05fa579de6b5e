import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, MAX_SEQ_ID } from '../../src/cursor.js';
import { TimelineRef, TimelineRefs } from '../../src/timeline-id.js';

const EPOCHS = ['e', '', 'another-epoch_1'];
const SEQ_IDS = [0n, 1n, 9n, 10n, 999_999_999_999_999n, 10n ** 15n, 2n ** 53n + 1n, MAX_SEQ_ID];
const MALFORMED = ['', '-1', '+1', '1e3', '0x1', ' 5', '5 ', '5.', '٣', `${MAX_SEQ_ID + 1n}`, '9'.repeat(20)];

describe('a cursor', () => {
  it('is read as it was made, whether or not others of its epoch were read before', () => {
    const ref = new TimelineRef('library', 'timeline');
    for (const seqId of SEQ_IDS) {
      for (const epoch of EPOCHS) {
        const cursor = encodeCursor(ref, epoch, seqId);
        for (const reader of [ref, new TimelineRef('library', 'timeline')]) {
          expect(decodeCursor(reader, cursor, 'after')).toEqual({ epoch, seqId });
          expect(decodeCursor(reader, cursor, 'after')).toEqual({ epoch, seqId });
        }
      }
    }
  });

  it('is refused if it is malformed, also beside good ones of its epoch', () => {
    const known = new TimelineRef('library', 'timeline');
    const prefix = encodeCursor(known, 'e', 1n).slice(0, -1);
    for (const reader of [known, new TimelineRef('library', 'timeline')]) {
      for (const tail of MALFORMED) {
        const read = () => decodeCursor(reader, prefix + tail, 'after');
        expect(read, JSON.stringify(tail)).toThrow(expect.objectContaining({ code: 'TIMELINE_INVALID_CURSOR' }));
      }
    }
  });

  it('is refused by another Timeline and another library, also once they know the epoch', () => {
    const cursor = encodeCursor(new TimelineRef('library', 'timeline'), 'e', 1n);
    for (const other of [new TimelineRef('library', 'other'), new TimelineRef('another', 'timeline')]) {
      expect(() => decodeCursor(other, cursor, 'after')).toThrow(/another Timeline/);
      encodeCursor(other, 'e', 1n);
      expect(() => decodeCursor(other, cursor, 'after')).toThrow(/another Timeline/);
    }
  });
});

describe('remembered Timelines', () => {
  it('are the same for the same string, and only for it', () => {
    const refs = new TimelineRefs('library');
    expect(refs.of('a', 'timeline')).toBe(refs.of('a', 'timeline'));
    expect(refs.of('b', 'timeline').encoded).toBe('b');
    expect(refs.of(['a'], 'timeline').encoded).toBe('a');
    expect(refs.of(['a'], 'timeline').id).toEqual(['a']);
    expect(refs.of('a', 'timeline').id).toBe('a');
  });

  it('stay bounded, and right, however many there are', () => {
    const refs = new TimelineRefs('library');
    const first = refs.of('0', 'timeline');
    for (let i = 1; i <= 20_000; i++) refs.of(String(i), 'timeline');
    expect(refs.of('0', 'timeline')).not.toBe(first);
    expect(refs.of('0', 'timeline').tag).toBe(first.tag);
  });
});
