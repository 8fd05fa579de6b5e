import type { AdapterLibrary, Range, Row, Slice } from '../../../src/adapter.js';
import type { LibraryChanges } from '../../../testing/index.js';
import { CALL, type Mutant, mapRows, mapSlices, mutant } from './mutant.js';

const mapRanges =
  (map: (range: Range) => Range) =>
  (library: AdapterLibrary): LibraryChanges => ({ read: (ranges) => library.read(ranges.map(map), CALL) });

const forEachRange =
  (map: (slice: Slice, range: Range) => Slice) =>
  (library: AdapterLibrary): LibraryChanges => ({
    read: async (ranges) => (await library.read(ranges, CALL)).map((slice, index) => map(slice, ranges[index]!)),
  });

const silently = ({ truncatedThrough: _, ...slice }: Slice): Slice => slice;

const includingAfter = mapRanges((range) =>
  range.after === undefined || range.after === 0n ? range : { ...range, after: range.after - 1n },
);

/** The epoch that a library says it has. */
const epochOf =
  (epoch: (head: { firstSeqId: bigint }) => string) =>
  (library: AdapterLibrary): LibraryChanges => ({
    append: async (writes) => {
      const outcomes = await library.append(writes, CALL);
      const heads = await library.heads(
        writes.map((write) => write.timeline),
        CALL,
      );
      return outcomes.map((outcome, index) => (outcome.ok ? { ...outcome, epoch: epoch(heads[index]!) } : outcome));
    },
    read: async (ranges) => (await library.read(ranges, CALL)).map((slice) => ({ ...slice, epoch: epoch(slice) })),
    heads: async (ids) => (await library.heads(ids, CALL)).map((head) => ({ ...head, epoch: epoch(head) })),
  });

const watching =
  (delay: (wake: () => void) => void) =>
  (library: AdapterLibrary): LibraryChanges => ({
    watch: (timeline, wake) => library.watch!(timeline, () => delay(wake)),
  });

/** The rows of each hint passed through `map`. */
const hinting =
  (map: (row: Row) => Row) =>
  (library: AdapterLibrary): LibraryChanges => ({
    watch: (timeline, wake) => library.watch!(timeline, (hint) => wake(hint && { ...hint, rows: hint.rows.map(map) })),
  });

export const readMutants: readonly Mutant[] = [
  mutant('Bounds', 'includes `after`', includingAfter),
  mutant(
    'Bounds',
    'includes `before`',
    mapRanges((range) => (range.before === undefined ? range : { ...range, before: range.before + 1n })),
  ),
  mutant(
    'Bounds',
    'returns more than the limit',
    mapRanges((range) => ({ ...range, limit: range.limit + 1 })),
  ),
  mutant(
    'Bounds',
    'calls a full page the end',
    mapSlices((slice) => ({ ...slice, more: false })),
  ),
  mutant(
    'Bounds',
    'returns a reverse page oldest first',
    forEachRange((slice, range) => (range.reverse ? { ...slice, rows: [...slice.rows].reverse() } : slice)),
  ),
  mutant('Bounds', 'takes a reverse page from the wrong end', (library) => ({
    async read(ranges) {
      const slices = await library.read(
        ranges.map((range) => ({ ...range, reverse: false })),
        CALL,
      );
      return slices.map((slice, index) =>
        ranges[index]!.reverse ? { ...slice, rows: [...slice.rows].reverse() } : slice,
      );
    },
  })),
  mutant('Truncation', 'skips what is gone in silence', mapSlices(silently)),
  mutant(
    'Truncation',
    'tells a reader at the cut of what it has read',
    forEachRange((slice, { after }) =>
      after !== undefined && slice.firstSeqId > 1n ? { ...slice, truncatedThrough: slice.firstSeqId - 1n } : slice,
    ),
  ),
  mutant('Count', 'counts tombstones', (library) => ({
    async count(ranges) {
      const slices = await library.read(
        ranges.map((range) => ({ ...range, limit: 10_000, reverse: false })),
        CALL,
      );
      return slices.map((slice, i) => ({ ...slice, count: Math.min(slice.rows.length, ranges[i]!.atMost) }));
    },
  })),
  mutant('Count', 'subtracts SeqIds', (library) => ({
    async count(ranges) {
      const heads = await library.heads(
        ranges.map(({ timeline }) => timeline),
        CALL,
      );
      return heads.map((head, i) => {
        const { after = 0n, before = head.lastSeqId + 1n, atMost } = ranges[i]!;
        return { ...head, count: Math.max(0, Math.min(atMost, Number(before - after - 1n))) };
      });
    },
  })),
  mutant('Count', 'includes `after`', (library) => ({
    count: (ranges) =>
      library.count!(
        ranges.map((range) => (range.after === undefined ? range : { ...range, after: range.after - 1n })),
        CALL,
      ),
  })),
  mutant(
    'Epoch',
    'has the same epoch for all data',
    epochOf(() => 'same'),
  ),
  mutant(
    'Epoch',
    'takes a new epoch when entries are trimmed',
    epochOf(({ firstSeqId }) => `e${firstSeqId}`),
  ),
  mutant(
    'Subscription',
    'never wakes',
    watching(() => {}),
  ),
  mutant(
    'Subscription',
    'wakes later than declared',
    watching((wake) => setTimeout(wake, 60)),
  ),
  mutant(
    'Subscription',
    'loses the first entry of a full page',
    forEachRange((slice, { limit, reverse }) =>
      !reverse && limit > 1 && slice.rows.length === limit ? { ...slice, rows: slice.rows.slice(1) } : slice,
    ),
  ),
  mutant('Subscription', 'repeats the last entry', includingAfter),
  mutant(
    'Subscription',
    'leaves the key out of its hints',
    hinting(({ key: _, ...row }) => row),
  ),
  mutant(
    'Subscription',
    'tells another time in its hints',
    hinting((row) => ({ ...row, appendedAt: row.appendedAt + 1 })),
  ),
  mutant('Batches', 'answers ranges out of order', (library) => ({
    read: async (ranges) => [...(await library.read(ranges, CALL))].reverse(),
  })),
  mutant(
    'Bodies',
    'gives bytes back as text',
    mapRows((row) => (row.body instanceof Uint8Array ? { ...row, body: Buffer.from(row.body).toString('utf8') } : row)),
  ),
  mutant(
    'Bodies',
    'takes an empty body for a tombstone',
    mapRows((row) => (row.body === '' ? { ...row, body: undefined } : row)),
  ),
  mutant(
    'Bodies',
    'ends a text at its first NUL',
    mapRows((row) => (typeof row.body === 'string' ? { ...row, body: row.body.split('\0')[0]! } : row)),
  ),
];
