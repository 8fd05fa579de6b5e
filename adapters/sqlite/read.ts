import type { AdapterHead, Body, Call, ListingRange, Range, Row, Slice } from '../../src/adapter.js';
import type { SqliteStatement } from './file/client.js';
import type { StoredHead } from './heads.js';
import type { LibraryContext } from './library-context.js';

/** A call holds the event loop: beyond these it answers shorter slices. */
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 2 ** 20;
const FIRST_CHUNK = 128;

const BODY = 'coalesce(body, (SELECT b.body FROM timeline_bodies b WHERE b.id = ref))';
const WITHIN = 'FROM timeline_entries WHERE timeline = ? AND seq > ? AND seq <= ? ORDER BY seq';

type EntryRow = [seq: bigint, at: bigint, body: Body | null, key: string | null, revision: bigint | null];
/** The time alone if there is neither key nor revision. */
type RowDetails = number | [at: number, key: string | null, revision: number | null];
type SeqAndTime = [seq: bigint, at: bigint];

/** Reads a whole batch from one snapshot, and leaves no statement open. */
export class Reader {
  readonly #library: LibraryContext;
  readonly #bodies: SqliteStatement;
  readonly #details: SqliteStatement;
  readonly #forward: SqliteStatement;
  readonly #backward: SqliteStatement;
  readonly #firstFrom: SqliteStatement;
  readonly #names: SqliteStatement;

  constructor(library: LibraryContext) {
    this.#library = library;
    const { database } = library.connection;
    const select = (order: string) =>
      database.prepare(`SELECT seq, at, ${BODY}, key, revision ${WITHIN} ${order} LIMIT ?`).raw().safeIntegers();
    const meta = 'CASE WHEN coalesce(key, revision) IS NULL THEN at ELSE json_array(at, key, revision) END';
    this.#bodies = database.prepare(`SELECT ${BODY} ${WITHIN}`).pluck();
    this.#details = database
      .prepare(`SELECT '[' || group_concat(meta) || ']' FROM (SELECT ${meta} AS meta ${WITHIN})`)
      .pluck();
    this.#forward = select('ASC');
    this.#backward = select('DESC');
    this.#firstFrom = database
      .prepare('SELECT seq, at FROM timeline_entries WHERE timeline = ? AND seq >= ? ORDER BY seq LIMIT 1')
      .raw()
      .safeIntegers();
    // A Timeline that was dropped has neither a floor nor a row.
    const names = `SELECT name FROM timeline_timelines t WHERE library = ? AND name >= ? AND name > ?
      AND (floor > 0 OR EXISTS (SELECT 1 FROM timeline_entries WHERE timeline = t.id)) ORDER BY name LIMIT ?`;
    this.#names = database.prepare(names).pluck();
  }

  read(ranges: readonly Range[], call: Call): Promise<Slice[]> {
    return this.#library.connection.read(call, () => {
      const heads = this.#library.heads.getAll(ranges.map((range) => range.timeline));
      const cutoff = this.#library.state.cutoff();
      const budget = { rows: MAX_ROWS, bytes: MAX_BYTES };
      return ranges.map((range, i) => this.#slice(range, heads[i], cutoff, budget));
    });
  }

  heads(timelines: readonly string[], call: Call): Promise<AdapterHead[]> {
    return this.#library.connection.read(call, () => {
      const cutoff = this.#library.state.cutoff();
      return this.#library.heads
        .getAll(timelines)
        .map((head) => this.headOf(head, head ? this.hiddenThrough(head, cutoff) : 0n));
    });
  }

  timelines({ prefix, after = '', limit }: ListingRange, call: Call): Promise<string[]> {
    return this.#library.connection.read(call, () => {
      const names = this.#names.all(this.#library.id, prefix, after, limit) as string[];
      const end = names.findIndex((name) => !name.startsWith(prefix));
      return end < 0 ? names : names.slice(0, end);
    });
  }

  /**
   * The highest SeqId that readers no longer get: trimmed, or expired by `cutoff`, whether or not its row is removed.
   */
  hiddenThrough(head: StoredHead, cutoff: number): bigint {
    if (head.first === undefined || head.firstAt > cutoff) return head.floor;
    if (head.lastAt <= cutoff) return head.last;
    let expired = head.first;
    let visible = head.last;
    while (visible - expired > 1n) {
      const middle = expired + (visible - expired) / 2n;
      const [seq, at] = this.#firstFrom.get(head.id, middle) as SeqAndTime;
      if (Number(at) <= cutoff) expired = seq;
      else visible = middle;
    }
    return expired;
  }

  /** `hidden`: the highest SeqId that readers no longer get. */
  headOf(head: StoredHead | undefined, hidden: bigint): AdapterHead {
    if (!head) return { epoch: '', firstSeqId: 1n, lastSeqId: 0n };
    const { connection } = this.#library;
    const epoch = head.epoch ?? connection.epoch;
    const firstSeqId = this.#firstAbove(head, hidden);
    return { epoch, firstSeqId, lastSeqId: head.last, ancestors: connection.ancestors.of(head.id) };
  }

  #firstAbove(head: StoredHead, hidden: bigint): bigint {
    if (hidden === head.floor && head.first !== undefined) return head.first;
    return hidden < head.last ? (this.#firstFrom.get(head.id, hidden + 1n) as SeqAndTime)[0] : head.last + 1n;
  }

  #slice(range: Range, head: StoredHead | undefined, cutoff: number, budget: Budget): Slice {
    if (!head) return { epoch: '', firstSeqId: 1n, lastSeqId: 0n, rows: [], more: false, truncatedThrough: undefined };
    const { after = 0n, before } = range;
    const hidden = this.hiddenThrough(head, cutoff);
    const low = after > hidden ? after : hidden;
    const high = before === undefined || before > head.last ? head.last : before - 1n;
    const rows = low < high ? this.#rows(head.id, low, high, range, budget) : [];
    const end = rows.at(-1)?.seqId;
    const firstSeqId = this.#firstAbove(head, hidden);
    const oldest = low < firstSeqId ? firstSeqId : low + 1n;
    const { connection } = this.#library;
    return {
      epoch: head.epoch ?? connection.epoch,
      firstSeqId,
      lastSeqId: head.last,
      ancestors: connection.ancestors.of(head.id),
      rows,
      more: end !== undefined && (range.reverse ? end > oldest : end < high),
      truncatedThrough: range.after !== undefined && after < hidden ? hidden : undefined,
    };
  }

  #rows(id: number, low: bigint, high: bigint, { limit, reverse }: Range, budget: Budget): Row[] {
    const max = Math.min(limit, Math.max(budget.rows, 1));
    const rows: Row[] = [];
    let chunk = Math.min(max, budget.bytes > 0 ? FIRST_CHUNK : 1);
    let sparse = false;
    while (chunk > 0 && low < high) {
      let found: Row[] | undefined = sparse ? undefined : this.#denseRows(id, low, high, chunk, reverse);
      sparse = !found;
      found ??= this.#sparseRows(id, low, high, chunk, reverse);
      if (found.length === 0) break;
      let bytes = 1;
      for (const row of found) {
        rows.push(row);
        bytes += row.body?.length ?? 0;
      }
      // Of `found`, not of `rows`: the file tracer of Next computes with `rows` as if it stayed empty, and fails.
      const { seqId } = found.at(-1) as Row;
      if (reverse) high = seqId - 1n;
      else low = seqId;
      budget.bytes -= bytes;
      chunk = Math.min(max - rows.length, Math.floor((budget.bytes * found.length) / bytes));
    }
    budget.rows -= rows.length;
    return rows;
  }

  /**
   * Reads `count` rows without a gap between their SeqIds; `undefined` if there is one. Handing a value from SQLite to
   * JavaScript costs more than finding it, so this counts SeqIds instead of reading them, and takes times, keys and
   * revisions as one JSON text.
   */
  #denseRows(id: number, low: bigint, high: bigint, count: number, reverse: boolean): Row[] | undefined {
    if (high - low < count) count = Number(high - low);
    if (reverse) low = high - BigInt(count);
    else high = low + BigInt(count);
    const bodies = this.#bodies.all(id, low, high) as (Body | null)[];
    if (bodies.length !== count) return undefined;
    const details = JSON.parse(this.#details.get(id, low, high) as string) as RowDetails[];
    const rows = bodies.map((body, i) => {
      const detail = details[i]!;
      const seqId = low + BigInt(i + 1);
      if (typeof detail === 'number') return toRow(seqId, detail, body, null, null);
      return toRow(seqId, detail[0], body, detail[1], detail[2]);
    });
    return reverse ? rows.reverse() : rows;
  }

  #sparseRows(id: number, low: bigint, high: bigint, count: number, reverse: boolean): Row[] {
    const found = (reverse ? this.#backward : this.#forward).all(id, low, high, count) as EntryRow[];
    return found.map(([seq, at, body, key, revision]) => toRow(seq, Number(at), body, key, revision));
  }
}

function toRow(
  seqId: bigint,
  appendedAt: number,
  body: Body | null,
  key: string | null,
  revision: number | bigint | null,
): Row {
  return { seqId, appendedAt, body: body ?? undefined, key: key ?? undefined, revision: Number(revision ?? 0) };
}

/** Left of the call's bounds for the ranges that follow. */
interface Budget {
  rows: number;
  bytes: number;
}
