import type { Call, Range } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import type { Context } from '../context.js';
import type { FoundEntry } from '../tables/entry-table.js';
import type { TimelineState } from '../timeline-state.js';

/** A page ends once its bodies are this large together. */
const PAGE_BYTES = 4 * 2 ** 20;

interface Step {
  /** The entries behind the position, in order, removed ones too. */
  readonly entries: readonly FoundEntry[];
  /** No entry between the position and the first of these was removed. */
  readonly isContinuous: boolean;
  readonly more: boolean;
}

/**
 * Reads one range, forward or backward. It tells removed entries from missing ones by the row at `after`: as only a
 * prefix is ever removed, nothing behind that row is removed while it is there.
 */
export class RangeReader {
  readonly #context: Context;
  readonly #state: TimelineState;
  readonly #range: Range;
  readonly #call: Call;
  /** The entries for readers, in the order of reading. */
  readonly entries: FoundEntry[] = [];
  more = true;
  /** Entries right behind `after` may have been removed. */
  mayLackStart = false;
  /** If so, the first entry behind the removed ones; `undefined` if reading did not come that far. */
  firstReadable: FoundEntry | undefined;
  /** The highest removed id that was read, `after` among them; 0n: none. */
  removedThrough = 0n;
  /** The Timeline's last SeqId, if reading came to it. */
  last: bigint | undefined;
  #highestRead: bigint | undefined;
  /** Forward reading goes on behind this id. */
  #position: bigint;
  /** Time of the entry at the position. */
  #positionAt: number;

  constructor(context: Context, state: TimelineState, range: Range, call: Call) {
    this.#context = context;
    this.#state = state;
    this.#range = range;
    this.#call = call;
    this.#position = range.after ?? state.bounds.removedThrough;
    this.#positionAt = state.positionOf(this.#position)?.at ?? 0;
  }

  async read(): Promise<this> {
    await (this.#range.reverse ? this.#readBackward() : this.#readForward());
    return this;
  }

  /**
   * Reads in steps that each begin at the row of the position, so that no step passes over entries that are trimmed
   * meanwhile, and nothing recorded has to be looked up.
   */
  async #readForward(): Promise<void> {
    const { after, before, limit } = this.#range;
    let isAnchored = after !== undefined;
    let bytes = 0;
    while (this.more && this.entries.length < limit && bytes < PAGE_BYTES) {
      if (before !== undefined && before <= this.#position + 1n) {
        // There is no room for an entry, so nothing is read, and nothing is known of the entries behind.
        this.mayLackStart ||= this.#position === after;
        this.more = false;
        break;
      }
      const step = await (this.#context.isDense ? this.#stepDense(isAnchored) : this.#stepSparse(isAnchored));
      if (isAnchored && !step.isContinuous) {
        // A trim has overtaken this read. The entries before the gap make a page, and the next one tells of it.
        if (this.entries.length > 0) break;
        this.mayLackStart = true;
        this.firstReadable = undefined;
      }
      bytes += this.#take(step.entries);
      this.more = step.more;
      if (!step.more && before === undefined) this.last = this.#highestRead;
      isAnchored = true;
      if (step.entries.length === 0) break;
    }
    if (this.entries.length > limit) {
      this.entries.length = limit;
      this.more = true;
    }
    const newest = this.entries.at(-1);
    if (newest) this.#state.rememberPosition(newest);
  }

  /** Returns the bytes of the bodies. */
  #take(entries: readonly FoundEntry[]): number {
    const { before } = this.#range;
    let bytes = 0;
    for (const each of entries) {
      const found = this.#withRisingTime(each);
      this.#position = found.seqId;
      if (before !== undefined && found.seqId >= before) continue;
      if (found.isRemoved) this.removedThrough = found.seqId;
      else {
        this.entries.push(found);
        if (this.mayLackStart) this.firstReadable ??= found;
        bytes += found.stored.body?.length ?? 0;
      }
    }
    return bytes;
  }

  /**
   * Law Expiry: only a prefix expires, so no entry is older than the one before it. Writers that do not wait for each
   * other may store times in another order than ids.
   */
  #withRisingTime(found: FoundEntry): FoundEntry {
    if (found.at >= this.#positionAt) {
      this.#positionAt = found.at;
      return found;
    }
    const at = this.#positionAt;
    return { ...found, at, isRemoved: found.isTrimmed || at <= this.#context.record.expiryCutoff() };
  }

  /** One entry a row: reads from the row of the position itself. */
  async #stepSparse(isAnchored: boolean): Promise<Step> {
    const position = this.#position;
    const includesPosition = isAnchored && position > 0n;
    const { found, more } = await (includesPosition ? this.#fetch(position, 1) : this.#fetch(behind(position), 0));
    const [first] = found;
    if (includesPosition && first?.seqId === position) {
      return { entries: found.slice(1), isContinuous: !this.#isRemovedAnchor(first), more };
    }
    return { entries: found, isContinuous: first?.seqId === position + 1n && !first.isRemoved, more };
  }

  /** Several entries a row: the row of the position may begin anywhere before it. */
  async #stepDense(isAnchored: boolean): Promise<Step> {
    const position = this.#position;
    const { bounds } = this.#state;
    const rowId = isAnchored ? this.#state.positionOf(position)?.rowId : bounds.firstReadable?.rowId;
    if (rowId !== undefined) {
      const { found, more } = await this.#fetch(rowId, isAnchored ? 1 : 0);
      const atPosition = found.find(({ seqId }) => seqId === position);
      if (atPosition) this.#isRemovedAnchor(atPosition);
      const entries = found.filter(({ seqId }) => seqId > position);
      if (atPosition || !isAnchored) return { entries, isContinuous: continues(position, atPosition, entries), more };
    }
    const { found, more } = await this.#fetch(behind(position), 0);
    const [first] = found;
    if (!isAnchored || position === 0n || first?.seqId === position + 1n) {
      return { entries: found, isContinuous: continues(position, first, found), more };
    }
    const row = await this.#context.entryTable.rowHolding(this.#state, position, this.#call);
    const holder = row ? this.#context.entryTable.entriesOf(row) : [];
    this.#note(holder);
    const atPosition = holder.find(({ seqId }) => seqId === position);
    if (atPosition) this.#isRemovedAnchor(atPosition);
    const entries = [...holder.filter(({ seqId }) => seqId > position), ...found];
    return { entries, isContinuous: continues(position, atPosition, entries), more };
  }

  #isRemovedAnchor(anchor: FoundEntry): boolean {
    const { isRemoved, seqId } = this.#withRisingTime(anchor);
    if (isRemoved && seqId > this.removedThrough) this.removedThrough = seqId;
    return isRemoved;
  }

  async #fetch(from: bigint | undefined, extraRows: number): Promise<{ found: FoundEntry[]; more: boolean }> {
    const { entryTable } = this.#context;
    const { before, limit } = this.#range;
    const to = before !== undefined && before <= MAX_SEQ_ID ? before : undefined;
    const found: FoundEntry[] = [];
    const wanted = limit - this.entries.length + extraRows;
    let next = from;
    let rows = 0;
    do {
      const page = await entryTable.page(this.#state, { from: next, to, limit: wanted - rows }, this.#call);
      found.push(...page.rows.flatMap((row) => entryTable.entriesOf(row)));
      rows += page.rows.length;
      next = page.next;
      // A page of the service may end at the row of the position.
    } while (next !== undefined && rows <= extraRows && rows < wanted);
    this.#note(found);
    return { found, more: next !== undefined };
  }

  #note(found: readonly FoundEntry[]): void {
    const newest = found.at(-1);
    if (!newest) return;
    this.#state.sawEntry(newest.seqId, newest.at);
    if (this.#highestRead === undefined || newest.seqId > this.#highestRead) this.#highestRead = newest.seqId;
  }

  /** Reads down to the row that holds `after`. */
  async #readBackward(): Promise<void> {
    const { entryTable, isDense } = this.#context;
    const { before, limit } = this.#range;
    const after = this.#range.after ?? 0n;
    const entries = this.entries;
    let more = before === undefined || before > after + 1n;
    let reachedAfter = false;
    let from = before === undefined || before > MAX_SEQ_ID ? undefined : before - 1n;
    const to = isDense || after === 0n ? undefined : after - 1n;
    while (more && !reachedAfter && this.removedThrough === 0n && entries.length <= limit) {
      const range = { from, to, isBackward: true, limit: limit + 1 - entries.length };
      const page = await entryTable.page(this.#state, range, this.#call);
      for (const row of page.rows) {
        const found = entryTable.entriesOf(row);
        this.#note(found);
        for (const each of found.reverse()) {
          if (before !== undefined && each.seqId >= before) continue;
          if (each.seqId <= after) {
            more = false;
            reachedAfter ||= each.seqId === after && !each.isRemoved;
          } else if (!each.isRemoved) entries.push(each);
          else if (each.seqId > this.removedThrough) this.removedThrough = each.seqId;
        }
      }
      if (page.next === undefined) more = false;
      from = page.next;
    }
    const reachesFirstPossible = entries.length <= limit && entries.at(-1)?.seqId === after + 1n;
    this.more = entries.length > limit || (more && this.removedThrough === 0n);
    entries.length = Math.min(entries.length, limit);
    raiseTimes(entries);
    this.mayLackStart = !reachedAfter && !reachesFirstPossible;
    // Entries that are left to read may stand before the last one read.
    if (!this.more) this.firstReadable = entries.at(-1);
    if (!this.more && before === undefined) this.last = this.#highestRead;
  }
}

/** Undefined: the beginning, where another program's table may have ids below 1. */
function behind(position: bigint): bigint | undefined {
  return position > 0n ? position + 1n : undefined;
}

/** True if the entry that anchors these is there for readers, and their ids go on from the position without a gap. */
function continues(position: bigint, anchor: FoundEntry | undefined, entries: readonly FoundEntry[]): boolean {
  return anchor?.isRemoved === false && entries.every(({ seqId }, i) => seqId === position + BigInt(i + 1));
}

/** Gives each entry of a backward page the largest time of those before it, as forward readers get, within the page. */
function raiseTimes(newestFirst: FoundEntry[]): void {
  let at = 0;
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const found = newestFirst[i] as FoundEntry;
    if (found.at < at) newestFirst[i] = { ...found, at };
    else at = found.at;
  }
}
