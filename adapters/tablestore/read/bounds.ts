import type { Call } from '../../../src/adapter.js';
import type { Context, Found } from '../context.js';
import type { Page } from '../service/requests.js';
import { type KeyPart, MAX, MIN } from '../service/values.js';
import type { Directory, DirectoryRow } from '../tables/timeline-rows.js';
import type { Front, TimelineState } from '../timeline-state.js';

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
  async tail(state: TimelineState, call: Call): Promise<{ seqId: bigint; found: Found | undefined }> {
    const { requests, tables, layout, ttlMs } = this.context;
    const range = {
      table: tables.entries,
      from: this.context.rowKey(state, MAX),
      to: this.context.rowKey(state, MIN),
      backward: true,
      limit: 1,
      columns: layout.headColumns,
    };
    const [row] = (await requests.range(range, call)).rows;
    if (row) {
      const found = this.context.entriesOf(row).at(-1) as Found;
      if (found.seqId < state.last) this.#wonder();
      state.saw(found.seqId, found.at);
      state.placed(found.seqId, found.rowId, found.at);
      return { seqId: found.seqId, found };
    }
    if (ttlMs === undefined) {
      if (state.last > 0n) this.#wonder();
      return { seqId: 0n, found: undefined };
    }
    const [noted] = await this.directory.get([state.timeline], call);
    const last = noted ? (noted.last > noted.floor ? noted.last : noted.floor) : 0n;
    return { seqId: last > state.last ? last : state.last, found: undefined };
  }

  /** The last SeqId never falls, unless the table is another one, or another program deletes rows of it. */
  #wonder(): void {
    if (!this.context.layout.shared) this.context.record.suspect();
  }

  /** The front as far as a head needs it: not looked for again while it can be trusted. */
  async known(state: TimelineState, call: Call): Promise<Front> {
    const { front } = state;
    const fresh =
      front?.first && front.first.at > this.context.cutoff() && performance.now() - front.foundAt < FRESH_MS;
    return front && fresh ? front : this.find(state, call);
  }

  /** The front as it is. */
  async find(state: TimelineState, call: Call): Promise<Front> {
    const { dense, ttlMs } = this.context;
    const edge = await this.#scan(state, call);
    const vanished = dense && !edge.sawRows && ttlMs !== undefined;
    const gone = vanished ? (await this.tail(state, call)).seqId : await this.#goneBefore(state, edge, call);
    state.front = { gone, first: edge.first, foundAt: performance.now() };
    return state.front;
  }

  /** The highest id that is gone, given what was met behind a position that may never have had an entry. */
  async goneBehind(state: TimelineState, { first, met }: Pick<Edge, 'first' | 'met'>, call: Call): Promise<bigint> {
    if (this.context.dense) return first ? first.seqId - 1n : met;
    const [noted] = await this.directory.get([state.timeline], call);
    if (!noted) return met;
    return noted.mayBeBehind
      ? (await this.find(state, call)).gone
      : this.#noteGone(state, noted, { met, edge: 0n }, call);
  }

  /**
   * Ids that are dense tell by themselves how far they are gone; of others it is noted how far they were trimmed, or seen to have
   * expired while they were there to be seen. A table without any row says only that all are gone, not how far they went: that stays
   * open until there is one again.
   */
  async #goneBefore(state: TimelineState, { first, met, sawRows }: Edge, call: Call): Promise<bigint> {
    if (this.context.dense) return first ? first.seqId - 1n : met;
    const [noted] = await this.directory.get([state.timeline], call);
    if (!noted) return met;
    const edge = first ? first.seqId - 1n : noted.last;
    return this.#noteGone(state, noted, noted.mayBeBehind ? { met, edge, isAll: sawRows } : { met, edge: 0n }, call);
  }

  async #noteGone(
    { timeline }: TimelineState,
    { floor }: DirectoryRow,
    { met, edge, isAll }: { readonly met: bigint; readonly edge: bigint; readonly isAll?: boolean },
    call: Call,
  ): Promise<bigint> {
    const gone = highest(met, floor, edge);
    const isNews = gone > floor || isAll === true;
    if (this.context.ttlMs !== undefined && isNews) await this.directory.note(timeline, gone, isAll ?? met > 0n, call);
    return gone;
  }

  /** The first entry that is left, and the last before it that is gone but not yet from the table. */
  async #scan(state: TimelineState, call: Call): Promise<Edge> {
    const { requests, tables, layout, rowKey } = this.context;
    const { front } = state;
    const from = rowKey(state, front?.first ? front.first.rowId : MIN);
    const to = rowKey(state, MAX);
    let met = front?.gone ?? 0n;
    let sawRows = false;
    for (let limit: number | undefined = 2, next: readonly KeyPart[] | undefined = from; next; limit = undefined) {
      const range = { table: tables.entries, from: next, to, limit, columns: layout.headColumns };
      const page: Page = await requests.range(range, call);
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
