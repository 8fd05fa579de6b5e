import { describe, expect, it } from 'vitest';
import type { ShownMessage } from '../../client/types.js';
import { heightOf, ROW_HEIGHT, type SpineRow, spineRows } from '../../demo/page/model/spine-rows.js';
import type { Body } from '../../demo/shared/bodies.js';

const message = (seqId: bigint | undefined): ShownMessage<Body> => ({
  key: `key ${seqId}`,
  ...(seqId === undefined ? {} : { seqId }),
  sender: 'ann',
  isOwn: true,
  sentAt: 0,
  status: 'sent',
  edited: false,
  recalled: false,
  readBy: [],
  related: [],
});
const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => message(BigInt(from + i)));
const words = (rows: readonly SpineRow[]) =>
  rows.map((row) => {
    if (row.type === 'entry') return String(row.seqId);
    if (row.type === 'other') return `${row.from}-${row.to} other`;
    return row.type === 'next' ? 'next' : `${row.entries} ${row.type}`;
  });
const height = (rows: readonly SpineRow[]) => rows.reduce((sum, row) => sum + heightOf(row), 0);

describe('the rows of the Timeline', () => {
  it('show the tail, what fits, and how many entries are earlier', () => {
    expect(words(spineRows(messages(1, 100), [100n], 5 * ROW_HEIGHT))).toEqual([
      '97 earlier',
      '98',
      '99',
      '100',
      'next',
    ]);
  });

  it('have nothing earlier where the first entry is in view, and only the next place where there is none', () => {
    expect(words(spineRows(messages(1, 3), [3n], 400))).toEqual(['1', '2', '3', 'next']);
    expect(words(spineRows([], [], 400))).toEqual(['next']);
  });

  it('mark entries between messages, and leave out messages that are not stored', () => {
    const shown = [message(1n), message(4n), message(5n), message(undefined)];
    expect(words(spineRows(shown, [5n], 400))).toEqual(['1', '2-3 other', '4', '5', 'next']);
  });

  it('fold the rows before the tail so that a flag far behind stays in view', () => {
    const rows = spineRows(messages(1, 1000), [20n, 1000n], 10 * ROW_HEIGHT);
    expect(words(rows).slice(0, 3)).toEqual(['18 earlier', '19', '20']);
    expect(words(rows).at(-2)).toBe('1000');
    const fold = rows.find((row) => row.type === 'fold');
    const after = rows[rows.indexOf(fold!) + 1];
    expect(fold).toMatchObject({ after: 20n });
    expect(after?.type === 'entry' && Number(after.seqId) - 21).toBe(fold?.type === 'fold' && fold.entries);
    expect(height(rows)).toBeLessThanOrEqual(10 * ROW_HEIGHT);
  });

  it.each([66, 100, 173, 222, 480])('fit into %i pixels', (room) => {
    const sparse = Array.from({ length: 200 }, (_, i) => message(BigInt(1 + 3 * i)));
    expect(height(spineRows(sparse, [sparse.at(-1)!.seqId!], room))).toBeLessThanOrEqual(room);
  });
});
