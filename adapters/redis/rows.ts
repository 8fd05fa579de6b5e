import type { Body, LibraryClock, Range, Row, Slice } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { type State, timeIn } from './head.js';

/** Rows of one range, at most: Redis serves nobody else while it collects them. */
export const ROWS_PER_RANGE = 1000;
const COLON = 0x3a;
const BYTES = 0x62;

export type StreamRow = readonly [id: Buffer, fields: readonly [name: Buffer, body: Buffer]];

export interface Found {
  readonly rows: readonly StreamRow[];
  readonly versions?: readonly (Buffer | null)[] | undefined;
  /** Something other than the limit ended it. */
  readonly isCut: boolean;
}

export function toSlice(range: Range, state: State, { rows: found, versions, isCut }: Found, times: TimeGuard): Slice {
  const { after = 0n, before, limit, reverse } = range;
  const { epoch, firstSeqId, lastSeqId, ancestors, floor } = state;
  // All of it may have expired while the state still told of it.
  const rows = firstSeqId <= lastSeqId ? found.map((row, i) => toRow(row, versions?.[i])) : [];
  const edge = rows.at(-1)?.seqId;
  const lowest = after > floor ? after + 1n : firstSeqId;
  const highest = before !== undefined && before <= lastSeqId ? before - 1n : lastSeqId;
  const isFull = isCut || rows.length === Math.min(limit, ROWS_PER_RANGE);
  const more = isFull && edge !== undefined && (reverse ? edge > lowest : edge < highest);
  const truncatedThrough = range.after !== undefined && range.after < floor ? floor : undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows: times.believe(rows, reverse), more, truncatedThrough };
}

/**
 * A wrong clock put entries into the future: they show the time of the next one that is not, before which they were
 * appended.
 */
export class TimeGuard {
  readonly #latest: number;
  readonly #state: string;
  readonly #clock: LibraryClock;

  constructor(latest: number, state: string, clock: LibraryClock) {
    this.#latest = latest;
    this.#state = state;
    this.#clock = clock;
  }

  believe(rows: readonly Row[], reverse: boolean): readonly Row[] {
    if (!rows.some(({ appendedAt }) => appendedAt > this.#latest)) return rows;
    let next = timeIn(this.#state, this.#clock);
    const oldestLast = (reverse ? [...rows] : [...rows].reverse()).map((row) => {
      if (row.appendedAt > this.#latest) return { ...row, appendedAt: next };
      next = row.appendedAt;
      return row;
    });
    return reverse ? oldestLast : oldestLast.reverse();
  }
}

function toRow([id, [name, body]]: StreamRow, overlay: Buffer | null | undefined): Row {
  const found = name.indexOf(COLON);
  const colon = found < 0 ? name.length : found;
  const appendedAt = digits(name, 1, colon);
  if (id[0] !== 0x30 || id[1] !== 0x2d || !(appendedAt >= 0)) throw foreignRow();
  const place = id.length < 18 ? BigInt(digits(id, 2, id.length)) : BigInt(id.toString('latin1', 2));
  const key = found < 0 ? undefined : name.toString('utf8', colon + 1);
  if (overlay) return { seqId: place, appendedAt, key, ...toVersion(overlay) };
  return { seqId: place, appendedAt, body: toBody(name[0] === BYTES, body), key, revision: 0 };
}

/** Much faster than by way of a string, and a page has hundreds of them. */
function digits(text: Buffer, start: number, end: number): number {
  let number = start < end ? 0 : Number.NaN;
  for (let i = start; i < end; i++) {
    const digit = (text[i] as number) - 0x30;
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN;
  }
  return number;
}

/** `<kind><revision>:<body>`, as the overlay keeps what came after the first version. */
function toVersion(version: Buffer): { body: Body | undefined; revision: number } {
  const colon = version.indexOf(COLON);
  const revision = Number(version.toString('latin1', 1, colon));
  return {
    body: version[0] === 0x64 ? undefined : toBody(version[0] === BYTES, version.subarray(colon + 1)),
    revision,
  };
}

function toBody(bytes: boolean, body: Buffer): Body {
  return bytes ? new Uint8Array(body) : body.toString();
}

function foreignRow(): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', 'the stream of this Timeline holds entries of another program');
}
