import type { Body, LibraryClock, Range, Row, Slice } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { lastTimeIn, type VisibleState } from './timeline-state.js';

/** Rows of one range at most: Redis serves no other client while it collects them. */
export const MAX_ROWS = 1000;

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const BYTES = 0x62;
const DELETED = 0x64;

/** An entry of a stream: `0-<SeqId>`, and one field named `<kind><time>` or `<kind><time>:<idempotency key>`. */
export type StreamRow = readonly [id: Buffer, field: readonly [name: Buffer, body: Buffer]];

export interface StreamRows {
  readonly rows: readonly StreamRow[];
  /** For each row `<kind><revision>:<body>` if the entry was changed. Absent without an overlay. */
  readonly versions?: readonly (Buffer | null)[] | undefined;
  /** Bytes, not the limit, ended the rows. */
  readonly endedEarly: boolean;
}

/** The times against which entries of the future are told. */
export interface EntryTimes {
  readonly clock: LibraryClock;
  readonly latest: number;
  /** The text of the state that the rows were read with. */
  readonly state: string;
}

export function toSlice(range: Range, state: VisibleState, found: StreamRows, times: EntryTimes): Slice {
  const { after = 0n, before, limit, reverse } = range;
  const { epoch, firstSeqId, lastSeqId, ancestors, floor } = state;
  // All of it may have expired while the state still told of it.
  const rows = firstSeqId <= lastSeqId ? found.rows.map((row, i) => decodeRow(row, found.versions?.[i])) : [];
  const edge = rows.at(-1)?.seqId;
  const lowest = after > floor ? after + 1n : firstSeqId;
  const highest = before !== undefined && before <= lastSeqId ? before - 1n : lastSeqId;
  const isFull = found.endedEarly || rows.length === Math.min(limit, MAX_ROWS);
  const more = isFull && edge !== undefined && (reverse ? edge > lowest : edge < highest);
  const truncatedThrough = range.after !== undefined && range.after < floor ? floor : undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows: correctTimes(rows, reverse, times), more, truncatedThrough };
}

/**
 * Entries that a wrong clock put into the future show the time of the next one that it did not, before which they were
 * appended.
 */
function correctTimes(rows: readonly Row[], reverse: boolean, { clock, latest, state }: EntryTimes): readonly Row[] {
  if (!rows.some(({ appendedAt }) => appendedAt > latest)) return rows;
  let next = lastTimeIn(state, clock);
  const newestFirst = (reverse ? [...rows] : [...rows].reverse()).map((row) => {
    if (row.appendedAt > latest) return { ...row, appendedAt: next };
    next = row.appendedAt;
    return row;
  });
  return reverse ? newestFirst : newestFirst.reverse();
}

function decodeRow([id, [name, body]]: StreamRow, version: Buffer | null | undefined): Row {
  const found = name.indexOf(COLON);
  const colon = found < 0 ? name.length : found;
  const appendedAt = parseDigits(name, 1, colon);
  if (id[0] !== ZERO || id[1] !== DASH || !(appendedAt >= 0)) throw foreignEntry();
  const seqId = id.length < 18 ? BigInt(parseDigits(id, 2, id.length)) : BigInt(id.toString('latin1', 2));
  const key = found < 0 ? undefined : name.toString('utf8', colon + 1);
  if (version) return { seqId, appendedAt, key, ...decodeVersion(version) };
  return { seqId, appendedAt, body: decodeBody(name[0], body), key, revision: 0 };
}

/** The time and the idempotency key in the name of an entry's field. */
export function parseFieldName(name: string): { appendedAt: number; key: string | undefined } {
  const colon = name.indexOf(':');
  if (colon < 0) return { appendedAt: Number(name.slice(1)), key: undefined };
  return { appendedAt: Number(name.slice(1, colon)), key: name.slice(colon + 1) };
}

/** `NaN` for anything but digits. Much faster than through a string, and a page has hundreds of them. */
function parseDigits(text: Buffer, start: number, end: number): number {
  let number = start < end ? 0 : Number.NaN;
  for (let i = start; i < end; i++) {
    const digit = (text[i] as number) - ZERO;
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN;
  }
  return number;
}

function decodeVersion(version: Buffer): { body: Body | undefined; revision: number } {
  const colon = version.indexOf(COLON);
  const revision = Number(version.toString('latin1', 1, colon));
  const [kind] = version;
  return { body: kind === DELETED ? undefined : decodeBody(kind, version.subarray(colon + 1)), revision };
}

function decodeBody(kind: number | undefined, body: Buffer): Body {
  return kind === BYTES ? new Uint8Array(body) : body.toString();
}

function foreignEntry(): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', 'the stream of this Timeline holds entries of another program');
}
