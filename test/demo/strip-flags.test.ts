import { describe, expect, it } from 'vitest';
import { BEFORE, flagsOf } from '../../demo/page/model/strip-flags.js';
import type { InspectedEntry, InspectedPosition, InspectedTimeline } from '../../demo/shared/inspection.js';

const entries = (from: number, to: number): InspectedEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    seqId: String(from + i),
    kind: 'message',
    appendedAt: 0,
    revision: 0,
  }));
const device = (title: string, seqId: number): InspectedPosition => {
  return { kind: 'device', user: 'bob', device: `${title}-x1y2`, seqId: String(seqId) };
};
const read = (user: string, seqId: number): InspectedPosition => ({ kind: 'read', user, seqId: String(seqId) });

function timeline(positions: readonly InspectedPosition[], shown = entries(101, 180)): InspectedTimeline {
  return { timeline: 'inbox:bob', last: shown.at(-1)!.seqId, goneThrough: '0', dense: true, entries: shown, positions };
}

const labels = (of: InspectedTimeline, drawn = of.entries) =>
  [...flagsOf(of, drawn)].map(([seqId, flags]) => [seqId, ...flags.map(({ text }) => text)]);

describe('the flags of a strip', () => {
  it('say how far each device is behind, and nothing at the tail', () => {
    expect(labels(timeline([device('phone', 175), device('tablet', 180)]))).toEqual([
      ['175', 'phone, 5 behind'],
      ['180', 'tablet'],
    ]);
  });

  it('count messages, not receipts', () => {
    const shown = entries(101, 180).map((entry, i) => (i > 77 ? { ...entry, kind: 'receipt' } : entry));
    expect(labels(timeline([device('phone', 178)], shown))).toEqual([['178', 'phone']]);
  });

  it('of one entry are one', () => {
    const of = timeline([device('phone', 180), device('tablet', 180), read('ann', 170), read('bob', 170)]);
    expect(labels(of)).toEqual([
      ['180', 'phone, tablet'],
      ['170', 'Both have read'],
    ]);
    expect(flagsOf(of, of.entries).get('170')?.[0]?.person).toBe('other');
  });

  it('behind the tail share a label where it would cover the flag before it', () => {
    expect(labels(timeline([device('phone', 160), device('tablet', 162)]))).toEqual([
      ['160', ''],
      ['162', 'phone, tablet'],
    ]);
    expect(labels(timeline([device('phone', 130), device('tablet', 162)]))).toEqual([
      ['130', 'phone, 50 behind'],
      ['162', 'tablet, 18 behind'],
    ]);
  });

  it('before the first entry drawn stand at its left, and say what is known', () => {
    const of = timeline([device('phone', 50), device('tablet', 110)]);
    expect(labels(of, of.entries.slice(-40))).toEqual([[BEFORE, 'phone, tablet']]);
    expect(labels(timeline([device('phone', 50)]))).toEqual([[BEFORE, 'phone, 80 or more behind']]);
  });
});
