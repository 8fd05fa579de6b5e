import type { AdapterHead, Appended, Payload, Position, Range, Row, Slice, Write } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { planWrite } from '../../src/plan.js';

interface Rules {
  readonly epoch: string;
  readonly ttlMs: number | undefined;
  readonly keyWindowMs: number;
}

/**
 * One Timeline in memory: its rows in ascending order, and what must outlive them: the high-water mark, the end of the
 * removed prefix, and the keys.
 */
export class TimelineData {
  rows: Row[] = [];
  readonly checkpoints = new Map<string, Position>();
  readonly #keys = new Map<string, { seqId: bigint; hash: string; at: number }>();
  readonly #rules: Rules;
  #last = 0n;
  #lastAt = 0;
  /** Everything up to here was trimmed or has expired. */
  #floor = 0n;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  append(write: Write, now: number): readonly Appended[] {
    const { appended, fresh } = planWrite(write, this.#last, (key) => {
      const known = this.#keys.get(key);
      return known && now - known.at < this.#rules.keyWindowMs ? known : undefined;
    });
    for (const { seqId, entry } of fresh) {
      this.#last = seqId;
      this.#lastAt = Math.max(now, this.#lastAt);
      const { body, hash = '' } = entry.payload;
      this.rows.push({ seqId, appendedAt: this.#lastAt, body, key: entry.key, revision: 0 });
      if (entry.key !== undefined) this.#keys.set(entry.key, { seqId, hash, at: now });
    }
    return appended;
  }

  head(now: number): AdapterHead {
    const first = this.rows[this.#firstKept(now)];
    return { epoch: this.#rules.epoch, firstSeqId: first?.seqId ?? this.#last + 1n, lastSeqId: this.#last };
  }

  read({ after, before, limit, reverse }: Range, now: number): Slice {
    const head = this.head(now);
    const gone = this.#goneThrough(now);
    const from = Math.max(this.#firstKept(now), this.#indexAbove(after ?? 0n));
    const to = Math.max(from, before === undefined ? this.rows.length : this.#indexAbove(before - 1n));
    const rows = reverse
      ? this.rows.slice(Math.max(from, to - limit), to).reverse()
      : this.rows.slice(from, Math.min(to, from + limit));
    const slice = { ...head, rows, more: to - from > rows.length };
    return after !== undefined && after < gone ? { ...slice, truncatedThrough: gone } : slice;
  }

  update(timeline: string, seqId: bigint, payload: Payload, ifRevision: number | undefined, now: number): Row {
    const index = this.#indexAbove(seqId - 1n);
    const row = this.rows[index];
    if (row?.seqId !== seqId || row.body === undefined || index < this.#firstKept(now)) {
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no entry ${seqId} to update`, { timeline, actual: seqId });
    }
    if (ifRevision !== undefined && ifRevision !== row.revision) {
      const message = `entry ${seqId} has revision ${row.revision}, not ${ifRevision}`;
      throw new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: ifRevision, actual: row.revision });
    }
    const updated = { ...row, body: payload.body, revision: row.revision + 1 };
    this.rows[index] = updated;
    return updated;
  }

  delete(seqId: bigint): void {
    const index = this.#indexAbove(seqId - 1n);
    const row = this.rows[index];
    if (row?.seqId === seqId && row.body !== undefined)
      this.rows[index] = { ...row, body: undefined, revision: row.revision + 1 };
  }

  trim(cut: { readonly through: bigint } | { readonly keepLast: number }): void {
    const through = 'through' in cut ? cut.through : this.#throughAllBut(cut.keepLast);
    this.#removeThrough(through > this.#last ? this.#last : through);
  }

  #throughAllBut(keepLast: number): bigint {
    if (keepLast === 0) return this.#last;
    const oldestKept = this.rows[Math.max(0, this.rows.length - keepLast)];
    return oldestKept ? oldestKept.seqId - 1n : this.#floor;
  }

  /** Drops what has expired and the keys that are past their window. */
  sweep(now: number): void {
    this.#removeThrough(this.#goneThrough(now));
    for (const [key, { at }] of this.#keys) if (now - at >= this.#rules.keyWindowMs) this.#keys.delete(key);
  }

  /** The floor is the newest entry removed, not the cut: an id that never was cannot be missed. */
  #removeThrough(through: bigint): void {
    const count = this.#indexAbove(through);
    const newest = this.rows[count - 1];
    if (!newest) return;
    this.#floor = newest.seqId;
    this.rows = this.rows.slice(count);
  }

  #goneThrough(now: number): bigint {
    const firstKept = this.#firstKept(now);
    return firstKept === 0 ? this.#floor : (this.rows[firstKept - 1] as Row).seqId;
  }

  /** Times never fall along a Timeline, so what has expired is a prefix. */
  #firstKept(now: number): number {
    const { ttlMs } = this.#rules;
    if (ttlMs === undefined) return 0;
    return this.#search((row) => row.appendedAt + ttlMs > now);
  }

  #indexAbove(seqId: bigint): number {
    return this.#search((row) => row.seqId > seqId);
  }

  /** The first row of the suffix for which `holds` is true. */
  #search(holds: (row: Row) => boolean): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.rows[middle] as Row)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
