import type {
  AdapterHead,
  Appended,
  Count,
  CountRange,
  Cut,
  LibraryClock,
  Payload,
  Position,
  Range,
  Row,
  Slice,
  Write,
} from '../../src/adapter.js';
import { cutoff, planWrite, revisionConflict } from '../../src/toolkit/index.js';

/** Settings shared by the Timelines of a library. They may be altered while it is open. */
export interface Rules {
  readonly ttlMs: number | undefined;
  /** `Infinity`: for ever. */
  readonly keyWindowMs: number;
}

/**
 * One Timeline in memory: its rows in ascending order, and the state that outlives them: the last SeqId, the floor, the
 * keys, and readers' positions.
 */
export class TimelineData {
  readonly epoch: string;
  /** This epoch began when the Timeline was dropped. */
  readonly wasDropped: boolean;
  rows: Row[] = [];
  readonly checkpoints = new Map<string, Position>();
  readonly #keys = new Map<string, { seqId: bigint; hash: string; at: number }>();
  #last = 0n;
  #lastAt = 0;
  /** The newest entry that was trimmed or removed as expired. */
  #floor = 0n;

  constructor(epoch: string, wasDropped = false) {
    this.epoch = epoch;
    this.wasDropped = wasDropped;
  }

  get last(): bigint {
    return this.#last;
  }

  append(
    write: Write,
    { keyWindowMs }: Rules,
    clock: LibraryClock,
  ): { readonly appended: readonly Appended[]; readonly rows: readonly Row[] } {
    const keyTime = clock.expiryTime();
    const keyCutoff = cutoff(keyTime, keyWindowMs);
    const { appended, fresh } = planWrite(write, this.#last, (key) => {
      const known = this.#keys.get(key);
      return known && known.at > keyCutoff ? known : undefined;
    });
    if (fresh.length > 0 && clock.isFuture(this.#lastAt)) this.#correctFutureTimes(clock);
    for (const { seqId, entry } of fresh) {
      this.#last = seqId;
      this.#lastAt = clock.entryTime(this.#lastAt);
      const { body, hash = '' } = entry.payload;
      this.rows.push({ seqId, appendedAt: this.#lastAt, body, key: entry.key, revision: 0 });
      if (entry.key !== undefined) this.#keys.set(entry.key, { seqId, hash, at: keyTime });
    }
    return { appended, rows: fresh.length === 0 ? [] : this.rows.slice(-fresh.length) };
  }

  /** Sets times of the future to now: left alone, they would keep all later entries from expiring. */
  #correctFutureTimes(clock: LibraryClock): void {
    const now = clock.entryTime();
    this.rows = this.rows.map((row) => (clock.isFuture(row.appendedAt) ? { ...row, appendedAt: now } : row));
    this.#lastAt = now;
  }

  head(rules: Rules, now: number): AdapterHead {
    const first = this.rows[this.#firstKept(rules, now)];
    return { epoch: this.epoch, firstSeqId: first?.seqId ?? this.#last + 1n, lastSeqId: this.#last };
  }

  read({ after, before, limit, reverse }: Range, rules: Rules, now: number): Slice {
    const head = this.head(rules, now);
    const hidden = this.#hiddenThrough(rules, now);
    const [from, to] = this.#within(after, before, rules, now);
    const rows = reverse
      ? this.rows.slice(Math.max(from, to - limit), to).reverse()
      : this.rows.slice(from, Math.min(to, from + limit));
    const slice = { ...head, rows, more: to - from > rows.length };
    return after !== undefined && after < hidden ? { ...slice, truncatedThrough: hidden } : slice;
  }

  count({ after, before, atMost }: CountRange, rules: Rules, now: number): Count {
    const [from, to] = this.#within(after, before, rules, now);
    let count = 0;
    for (let index = from; index < to && count < atMost; index++) if (this.rows[index]?.body !== undefined) count++;
    return { ...this.head(rules, now), count };
  }

  /** The index of the first row of a range that readers get, and the index behind the last one. */
  #within(after = 0n, before: bigint | undefined, rules: Rules, now: number): [from: number, to: number] {
    const from = Math.max(this.#firstKept(rules, now), this.#indexAbove(after));
    return [from, Math.max(from, before === undefined ? this.rows.length : this.#indexAbove(before - 1n))];
  }

  /** True for an entry that readers get and that is no tombstone. */
  isKept(seqId: bigint, rules: Rules, now: number): boolean {
    const index = this.#indexAbove(seqId - 1n);
    const row = this.rows[index];
    return row?.seqId === seqId && row.body !== undefined && index >= this.#firstKept(rules, now);
  }

  /** Requires that {@link isKept} holds. */
  update(timeline: string, seqId: bigint, payload: Payload, ifRevision: number | undefined): Row {
    const index = this.#indexAbove(seqId - 1n);
    const row = this.rows[index] as Row;
    if (ifRevision !== undefined && ifRevision !== row.revision)
      throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: row.revision });
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

  trim(cut: Cut): void {
    const through = 'through' in cut ? cut.through : this.#throughAllBut(cut.keepLast);
    this.#removeThrough(through > this.#last ? this.#last : through);
  }

  #throughAllBut(keepLast: number): bigint {
    if (keepLast === 0) return this.#last;
    const oldestKept = this.rows[Math.max(0, this.rows.length - keepLast)];
    return oldestKept ? oldestKept.seqId - 1n : this.#floor;
  }

  /** Removes expired entries, and keys older than their window. */
  sweep(rules: Rules, now: number): void {
    this.#removeThrough(this.#hiddenThrough(rules, now));
    const keyCutoff = cutoff(now, rules.keyWindowMs);
    for (const [key, { at }] of this.#keys) if (at <= keyCutoff) this.#keys.delete(key);
  }

  /** The floor becomes the newest entry removed, not `through`: no reader can miss a SeqId that was never given. */
  #removeThrough(through: bigint): void {
    const count = this.#indexAbove(through);
    const newest = this.rows[count - 1];
    if (!newest) return;
    this.#floor = newest.seqId;
    this.rows = this.rows.slice(count);
  }

  #hiddenThrough(rules: Rules, now: number): bigint {
    const firstKept = this.#firstKept(rules, now);
    return firstKept === 0 ? this.#floor : (this.rows[firstKept - 1] as Row).seqId;
  }

  /** Expired entries form a prefix, as times never fall along a Timeline. */
  #firstKept({ ttlMs }: Rules, now: number): number {
    const expired = cutoff(now, ttlMs);
    return this.#search((row) => row.appendedAt > expired);
  }

  #indexAbove(seqId: bigint): number {
    return this.#search((row) => row.seqId > seqId);
  }

  /** The index of the first row for which `holds` is true, which it then is for all later rows. */
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
