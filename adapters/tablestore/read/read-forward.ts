import type { Call, Range } from '../../../src/adapter.js';
import type { Context, Found } from '../context.js';
import type { Page } from '../service/requests.js';
import { type KeyPart, MIN, upTo } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import type { Stretch } from './read.js';

/** A page ends when its bodies are so large together. */
const PAGE_BYTES = 4 * 2 ** 20;

/**
 * Reads a range from its old end, in steps that each begin at the row that holds the position: while that is there and not gone, nothing
 * behind it is gone, because only a prefix ever goes. So no step can jump over what is trimmed meanwhile, and no floor has to be looked
 * up.
 */
export class Forward {
  readonly #rows: Found[] = [];
  #position: bigint;
  #gap = false;
  #beyond: Found | undefined;
  #gone = 0n;
  #bytes = 0;
  /** Of the entry at the position, and so of none behind it less. */
  #at: number;
  /** The highest id met. */
  #seen: bigint | undefined;

  constructor(
    private readonly context: Context,
    private readonly state: TimelineState,
    private readonly range: Range,
    private readonly call: Call,
  ) {
    this.#position = range.after ?? state.front?.gone ?? 0n;
    this.#at = state.placeOf(this.#position)?.at ?? 0;
  }

  async read(): Promise<Stretch> {
    const { range, state } = this;
    let anchored = range.after !== undefined;
    let more = true;
    let complete = false;
    while (more && this.#rows.length < range.limit && this.#bytes < PAGE_BYTES) {
      if (range.before !== undefined && range.before <= this.#position + 1n) {
        // Of a range that has no room for an entry nothing is read, so nothing is known of what lies behind it.
        this.#gap ||= this.#position === range.after;
        more = false;
        break;
      }
      const step = await (this.context.dense ? this.#stepDense(anchored) : this.#step(anchored));
      if (anchored && !step.intact) {
        this.#gap = true;
        this.#beyond = undefined;
      }
      this.#take(step.entries);
      more = step.more;
      complete = !step.more && range.before === undefined;
      anchored = true;
      if (step.entries.length === 0) break;
    }
    if (this.#rows.length > range.limit) {
      this.#rows.length = range.limit;
      more = true;
    }
    const edge = this.#rows.at(-1);
    if (edge) state.placed(edge.seqId, edge.rowId, edge.at);
    const last = complete ? this.#seen : undefined;
    return { rows: this.#rows, more, gap: this.#gap, beyond: this.#beyond, last, gone: this.#gone };
  }

  #take(entries: readonly Found[]): void {
    const { before } = this.range;
    for (const each of entries) {
      const found = this.#inOrder(each);
      this.#position = found.seqId;
      if (before !== undefined && found.seqId >= before) continue;
      if (found.gone) this.#gone = found.seqId;
      else {
        this.#rows.push(found);
        if (this.#gap) this.#beyond ??= found;
        this.#bytes += found.stored.body?.length ?? 0;
      }
    }
  }

  /**
   * Law Expiry: of entries only a prefix expires, so none is older than the one before it. Where writers do not wait for each other
   * their times may come to stand in another order than their ids.
   */
  #inOrder(found: Found): Found {
    if (found.at >= this.#at) {
      this.#at = found.at;
      return found;
    }
    const at = this.#at;
    return { ...found, at, gone: found.trimmed || at <= this.context.cutoff() };
  }

  /** One row, one entry: it begins with the entry at the position itself. */
  async #step(anchored: boolean): Promise<Step> {
    const position = this.#position;
    const own = anchored && position > 0n;
    const { found, more } = await this.#fetch(own ? position : position > 0n ? position + 1n : MIN, own ? 1 : 0);
    const [first] = found;
    const isOwn = own && first?.seqId === position;
    const entries = isOwn ? found.slice(1) : found;
    const intact = isOwn ? !this.#inOrder(first).gone : entries[0]?.seqId === position + 1n && !entries[0].gone;
    return { entries, intact, more };
  }

  /** Rows of several entries: the one that holds the position may begin anywhere before it. */
  async #stepDense(anchored: boolean): Promise<Step> {
    const position = this.#position;
    const rowId = anchored ? this.state.placeOf(position)?.rowId : this.state.front?.first?.rowId;
    if (rowId !== undefined) {
      const { found, more } = await this.#fetch(rowId, anchored ? 1 : 0);
      const own = found.find(({ seqId }) => seqId === position);
      const entries = found.filter(({ seqId }) => seqId > position);
      if (own || !anchored) return { entries, intact: own?.gone === false && isContiguous(position, entries), more };
    }
    const { found, more } = await this.#fetch(position > 0n ? position + 1n : MIN, 0);
    if (!anchored || position === 0n || found[0]?.seqId === position + 1n) {
      const intact = found[0]?.gone === false && isContiguous(position, found);
      return { entries: found, intact, more };
    }
    const holder = await this.#holder(position);
    const own = holder.find(({ seqId }) => seqId === position);
    const entries = [...holder.filter(({ seqId }) => seqId > position), ...found];
    return { entries, intact: own?.gone === false && isContiguous(position, entries), more };
  }

  /** The entries of the row that holds the position, if it is there. */
  async #holder(position: bigint): Promise<readonly Found[]> {
    const { context, state } = this;
    const [from, to] = [context.rowKey(state, position), context.rowKey(state, MIN)];
    const range = { table: context.tables.entries, from, to, backward: true, limit: 1 };
    const page = await context.requests.range(range, this.call);
    const found = page.rows.flatMap((row) => context.entriesOf(row));
    this.#note(found);
    return found;
  }

  async #fetch(from: KeyPart, extra: number): Promise<{ found: Found[]; more: boolean }> {
    const { context, state, range } = this;
    const found: Found[] = [];
    let next: readonly KeyPart[] | undefined = context.rowKey(state, from);
    let limit = range.limit - this.#rows.length + extra;
    // A page of the service may hold no more than the row at the position.
    for (let rows = 0; next && rows <= extra; ) {
      const to = context.rowKey(state, upTo(range.before));
      const page: Page = await context.requests.range(
        { table: context.tables.entries, from: next, to, limit },
        this.call,
      );
      found.push(...page.rows.flatMap((row) => context.entriesOf(row)));
      rows += page.rows.length;
      limit -= page.rows.length;
      next = page.next;
      if (limit <= 0) break;
    }
    this.#note(found);
    return { found, more: next !== undefined };
  }

  #note(found: readonly Found[]): void {
    const newest = found.at(-1);
    if (!newest) return;
    this.state.saw(newest.seqId, newest.at);
    if (this.#seen === undefined || newest.seqId > this.#seen) this.#seen = newest.seqId;
  }
}

interface Step {
  /** Beyond the position, in order, those that are gone too. */
  readonly entries: readonly Found[];
  /** Nothing between the position and the first of them is gone. */
  readonly intact: boolean;
  readonly more: boolean;
}

function isContiguous(position: bigint, entries: readonly Found[]): boolean {
  return entries.every(({ seqId }, i) => seqId === position + BigInt(i + 1));
}
