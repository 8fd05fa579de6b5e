import type { Range } from '../../src/adapter.js';
import type { Context, Found } from './context.js';
import type { Stretch } from './read.js';
import type { TimelineState } from './timeline-state.js';
import { type KeyPart, MIN, upTo } from './values.js';

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
  /** The highest id met. */
  #seen: bigint | undefined;

  constructor(
    private readonly context: Context,
    private readonly state: TimelineState,
    private readonly range: Range,
  ) {
    this.#position = range.after ?? state.front?.gone ?? 0n;
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
    if (edge) state.placed(edge.seqId, edge.rowId);
    const last = complete ? this.#seen : undefined;
    return { rows: this.#rows, more, gap: this.#gap, beyond: this.#beyond, last, gone: this.#gone };
  }

  #take(entries: readonly Found[]): void {
    const { before } = this.range;
    for (const found of entries) {
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

  /** One row, one entry: it begins with the entry at the position itself. */
  async #step(anchored: boolean): Promise<Step> {
    const position = this.#position;
    const own = anchored && position > 0n;
    const { found, more } = await this.#fetch(own ? position : position > 0n ? position + 1n : MIN, own ? 1 : 0);
    const [first] = found;
    const isOwn = own && first?.seqId === position;
    const entries = isOwn ? found.slice(1) : found;
    const intact = isOwn ? !first.gone : entries[0]?.seqId === position + 1n && !entries[0].gone;
    return { entries, intact, more };
  }

  /** Rows of several entries: the one that holds the position may begin anywhere before it. */
  async #stepDense(anchored: boolean): Promise<Step> {
    const position = this.#position;
    const rowId = anchored ? this.state.rowOf(position) : this.state.front?.first?.rowId;
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
    const page = await context.requests.range({
      table: context.tables.entries,
      from: context.rowKey(state, position),
      to: context.rowKey(state, MIN),
      backward: true,
      limit: 1,
    });
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
      const page = await context.requests.range({ table: context.tables.entries, from: next, to, limit });
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
