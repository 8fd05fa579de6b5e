import type { Context, Found } from './context.js';
import type { Directory, DirectoryRow } from './directory.js';
import type { Front, TimelineState } from './timeline-state.js';
import { type KeyPart, MAX, MIN } from './values.js';

/** How long a front is good for what a head says of it, as another process may trim. */
const FRESH_MS = 60_000;

/** Where a Timeline's entries begin, as its table shows it. */
interface Edge {
  /** The first that readers get. */
  readonly first: Found | undefined;
  /** The highest id before it that is there, but not for readers any more; or was when this process last looked. */
  readonly met: bigint;
  readonly sawRows: boolean;
}

/** Finds both ends of Timelines: where entries begin that readers get, and the last. */
export class Ends {
  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
  ) {}

  /** The newest row's last entry, or what is known of it when there is no row. */
  async tail(state: TimelineState): Promise<{ seqId: bigint; found: Found | undefined }> {
    const { requests, tables, layout, options } = this.context;
    const page = await requests.range({
      table: tables.entries,
      from: this.context.rowKey(state, MAX),
      to: this.context.rowKey(state, MIN),
      backward: true,
      limit: 1,
      columns: layout.headColumns,
    });
    const [row] = page.rows;
    if (row) {
      const found = this.context.entriesOf(row).at(-1) as Found;
      state.saw(found.seqId, found.at);
      state.placed(found.seqId, found.rowId);
      return { seqId: found.seqId, found };
    }
    if (options.ttlMs === undefined) return { seqId: 0n, found: undefined };
    const [noted] = await this.directory.get([state.timeline]);
    const last = noted ? (noted.last > noted.floor ? noted.last : noted.floor) : 0n;
    return { seqId: last > state.last ? last : state.last, found: undefined };
  }

  /** The front as far as a head needs it: not looked for again while it can be trusted. */
  async known(state: TimelineState): Promise<Front> {
    const { front } = state;
    const fresh = front?.first && front.first.at > this.context.cutoff() && performance.now() - front.foundAt < FRESH_MS;
    return front && fresh ? front : this.find(state);
  }

  /** The front as it is. */
  async find(state: TimelineState): Promise<Front> {
    const { dense, options } = this.context;
    const edge = await this.#scan(state);
    const vanished = dense && !edge.sawRows && options.ttlMs !== undefined;
    const gone = vanished ? (await this.tail(state)).seqId : await this.#goneBefore(state, edge);
    state.front = { gone, first: edge.first, foundAt: performance.now() };
    return state.front;
  }

  /** The highest id that is gone, given what was met behind a position that may never have had an entry. */
  async goneBehind(state: TimelineState, { first, met }: Pick<Edge, 'first' | 'met'>): Promise<bigint> {
    if (this.context.dense) return first ? first.seqId - 1n : met;
    const [noted] = await this.directory.get([state.timeline]);
    if (!noted) return met;
    return noted.mayBeBehind ? (await this.find(state)).gone : this.#noteGone(state, noted, { met, edge: 0n });
  }

  /**
   * Ids that are dense tell by themselves how far they are gone; of others it is noted how far they were trimmed, or seen to have
   * expired while they were there to be seen. A table without any row says only that all are gone, not how far they went: that stays
   * open until there is one again.
   */
  async #goneBefore(state: TimelineState, { first, met, sawRows }: Edge): Promise<bigint> {
    if (this.context.dense) return first ? first.seqId - 1n : met;
    const [noted] = await this.directory.get([state.timeline]);
    if (!noted) return met;
    const edge = first ? first.seqId - 1n : noted.last;
    return this.#noteGone(state, noted, noted.mayBeBehind ? { met, edge, isAll: sawRows } : { met, edge: 0n });
  }

  async #noteGone(
    { timeline }: TimelineState,
    { floor }: DirectoryRow,
    { met, edge, isAll }: { readonly met: bigint; readonly edge: bigint; readonly isAll?: boolean },
  ): Promise<bigint> {
    const gone = highest(met, floor, edge);
    const isNews = gone > floor || isAll === true;
    if (this.context.options.ttlMs !== undefined && isNews) await this.directory.note(timeline, gone, isAll ?? met > 0n);
    return gone;
  }

  /** The first entry that is left, and the last before it that is gone but not yet from the table. */
  async #scan(state: TimelineState): Promise<Edge> {
    const { requests, tables, layout, rowKey } = this.context;
    const { front } = state;
    const from = rowKey(state, front?.first ? front.first.rowId : MIN);
    const to = rowKey(state, MAX);
    let met = front?.gone ?? 0n;
    let sawRows = false;
    for (let limit: number | undefined = 2, next: readonly KeyPart[] | undefined = from; next; limit = undefined) {
      const page = await requests.range({ table: tables.entries, from: next, to, limit, columns: layout.headColumns });
      for (const found of page.rows.flatMap((row) => this.context.entriesOf(row))) {
        sawRows = true;
        if (!found.gone) return { first: found, met, sawRows };
        met = found.seqId;
      }
      next = page.next;
    }
    return { first: undefined, met, sawRows };
  }
}

function highest(...ids: readonly bigint[]): bigint {
  return ids.reduce((high, id) => (id > high ? id : high));
}
