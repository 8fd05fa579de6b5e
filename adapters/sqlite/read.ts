import type { AdapterHead, Body, Call, ListingRange, Range, Row, Slice } from '../../src/adapter.js';
import type { SqliteStatement } from './client.js';
import type { Head } from './heads.js';
import type { LibraryContext } from './library.js';

/** One call holds the event loop, so it ends a slice early beyond these. */
const MOST_ROWS = 10_000;
const MOST_BYTES = 8 * 2 ** 20;
const FIRST_CHUNK = 128;

const BODY = 'coalesce(body, (SELECT b.body FROM timeline_bodies b WHERE b.id = ref))';
const WITHIN = 'FROM timeline_entries WHERE timeline = ? AND seq > ? AND seq <= ? ORDER BY seq';

type EntryRow = [seq: bigint, at: bigint, body: Body | null, key: string | null, revision: bigint | null];
/** The time alone where there is neither key nor revision. */
type Meta = number | [at: number, key: string | null, revision: number | null];
type Moment = [seq: bigint, at: bigint];

/** Reads whole batches from one snapshot, and never leaves a statement open. */
export class Reader {
  private readonly bodies: SqliteStatement;
  private readonly metas: SqliteStatement;
  private readonly forward: SqliteStatement;
  private readonly backward: SqliteStatement;
  private readonly firstFrom: SqliteStatement;
  private readonly names: SqliteStatement;

  constructor(private readonly library: LibraryContext) {
    const { database } = library.connection;
    const select = (order: string) =>
      database.prepare(`SELECT seq, at, ${BODY}, key, revision ${WITHIN} ${order} LIMIT ?`).raw().safeIntegers();
    const meta = 'CASE WHEN coalesce(key, revision) IS NULL THEN at ELSE json_array(at, key, revision) END';
    this.bodies = database.prepare(`SELECT ${BODY} ${WITHIN}`).pluck();
    this.metas = database
      .prepare(`SELECT '[' || group_concat(meta) || ']' FROM (SELECT ${meta} AS meta ${WITHIN})`)
      .pluck();
    this.forward = select('ASC');
    this.backward = select('DESC');
    this.firstFrom = database
      .prepare('SELECT seq, at FROM timeline_entries WHERE timeline = ? AND seq >= ? ORDER BY seq LIMIT 1')
      .raw()
      .safeIntegers();
    const names =
      'SELECT name FROM timeline_timelines WHERE library = ? AND name >= ? AND name > ? ORDER BY name LIMIT ?';
    this.names = database.prepare(names).pluck();
  }

  read(ranges: readonly Range[], call: Call): Promise<Slice[]> {
    return this.library.connection.read(call, () => {
      const heads = this.library.heads.getAll(ranges.map((range) => range.timeline));
      const cutoff = this.library.state.cutoff();
      const budget = { rows: MOST_ROWS, bytes: MOST_BYTES };
      return ranges.map((range, i) => this.slice(range, heads[i], cutoff, budget));
    });
  }

  heads(timelines: readonly string[], call: Call): Promise<AdapterHead[]> {
    return this.library.connection.read(call, () => {
      const cutoff = this.library.state.cutoff();
      return this.library.heads
        .getAll(timelines)
        .map((head) => this.adapterHead(head, head ? this.liveFloor(head, cutoff) : 0n));
    });
  }

  timelines({ prefix, after = '', limit }: ListingRange, call: Call): Promise<string[]> {
    return this.library.connection.read(call, () => {
      const names = this.names.all(this.library.id, prefix, after, limit) as string[];
      const end = names.findIndex((name) => !name.startsWith(prefix));
      return end < 0 ? names : names.slice(0, end);
    });
  }

  /** The highest SeqId that readers no longer get: trimmed, or expired by `cutoff` and perhaps not removed yet. */
  liveFloor(head: Head, cutoff: number): bigint {
    if (head.first === undefined || head.firstAt > cutoff) return head.floor;
    if (head.lastAt <= cutoff) return head.last;
    let expired = head.first;
    let live = head.last;
    while (live - expired > 1n) {
      const middle = expired + (live - expired) / 2n;
      const [seq, at] = this.firstFrom.get(head.id, middle) as Moment;
      if (Number(at) <= cutoff) expired = seq;
      else live = middle;
    }
    return expired;
  }

  private adapterHead(head: Head | undefined, floor: bigint): AdapterHead {
    if (!head) return { epoch: '', firstSeqId: 1n, lastSeqId: 0n };
    const { epoch, ancestors } = this.library.connection;
    const firstSeqId = this.firstAbove(head, floor);
    return { epoch, firstSeqId, lastSeqId: head.last, ancestors: ancestors.of(head.id) };
  }

  private firstAbove(head: Head, floor: bigint): bigint {
    if (floor === head.floor && head.first !== undefined) return head.first;
    return floor < head.last ? (this.firstFrom.get(head.id, floor + 1n) as Moment)[0] : head.last + 1n;
  }

  private slice(range: Range, head: Head | undefined, cutoff: number, budget: Budget): Slice {
    if (!head) return { epoch: '', firstSeqId: 1n, lastSeqId: 0n, rows: [], more: false, truncatedThrough: undefined };
    const { after = 0n, before } = range;
    const floor = this.liveFloor(head, cutoff);
    const low = after > floor ? after : floor;
    const high = before === undefined || before > head.last ? head.last : before - 1n;
    const rows = low < high ? this.rows(head.id, low, high, range, budget) : [];
    const end = rows.length === 0 ? undefined : rows.at(-1)!.seqId;
    const firstSeqId = this.firstAbove(head, floor);
    const oldest = low < firstSeqId ? firstSeqId : low + 1n;
    const { epoch, ancestors } = this.library.connection;
    return {
      epoch,
      firstSeqId,
      lastSeqId: head.last,
      ancestors: ancestors.of(head.id),
      rows,
      more: end !== undefined && (range.reverse ? end > oldest : end < high),
      truncatedThrough: range.after !== undefined && after < floor ? floor : undefined,
    };
  }

  private rows(id: number, low: bigint, high: bigint, { limit, reverse }: Range, budget: Budget): Row[] {
    const most = Math.min(limit, Math.max(budget.rows, 1));
    const rows: Row[] = [];
    let chunk = Math.min(most, budget.bytes > 0 ? FIRST_CHUNK : 1);
    let sparse = false;
    while (chunk > 0 && low < high) {
      let found: Row[] | undefined = sparse ? undefined : this.denseRows(id, low, high, chunk, reverse);
      sparse = !found;
      found ??= this.sparseRows(id, low, high, chunk, reverse);
      if (found.length === 0) break;
      let bytes = 1;
      for (const row of found) {
        rows.push(row);
        bytes += row.body?.length ?? 0;
      }
      if (reverse) high = rows.at(-1)!.seqId - 1n;
      else low = rows.at(-1)!.seqId;
      budget.bytes -= bytes;
      chunk = Math.min(most - rows.length, Math.floor((budget.bytes * found.length) / bytes));
    }
    budget.rows -= rows.length;
    return rows;
  }

  /**
   * `count` rows whose SeqIds have no gap; `undefined` if they have. A value costs more on its way from SQLite to
   * JavaScript than to find: so SeqIds are counted instead of read, and times, keys and revisions come as one JSON text.
   */
  private denseRows(id: number, low: bigint, high: bigint, count: number, reverse: boolean): Row[] | undefined {
    if (high - low < count) count = Number(high - low);
    if (reverse) low = high - BigInt(count);
    else high = low + BigInt(count);
    const bodies = this.bodies.all(id, low, high) as (Body | null)[];
    if (bodies.length !== count) return undefined;
    const metas = JSON.parse(this.metas.get(id, low, high) as string) as Meta[];
    const rows = bodies.map((body, i) => {
      const meta = metas[i]!;
      const seqId = low + BigInt(i + 1);
      if (typeof meta === 'number') return toRow(seqId, meta, body, null, null);
      return toRow(seqId, meta[0], body, meta[1], meta[2]);
    });
    return reverse ? rows.reverse() : rows;
  }

  private sparseRows(id: number, low: bigint, high: bigint, count: number, reverse: boolean): Row[] {
    const found = (reverse ? this.backward : this.forward).all(id, low, high, count) as EntryRow[];
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

interface Budget {
  rows: number;
  bytes: number;
}
