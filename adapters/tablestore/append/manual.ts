import type { Call } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { TimelineError } from '../../../src/errors.js';
import { pause, pauseAfter } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { Ends } from '../read/bounds.js';
import { toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import { columnOf } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { Turns } from './fairness.js';
import { byTimeline, type Item, type PutResult, type Putter, type RowWriter } from './row-writer.js';

/** Rows that one request may hold, and one less to list the Timeline. */
const ROWS_TOGETHER = 199;

/**
 * Rows under ids that the caller chose, or the next where he chose none. That an id lies above the tail is looked up just before: two
 * writers may still come to lie in either order, and only for the same id one of them is refused.
 */
export class ChosenPutter implements Putter {
  readonly #turns: Turns;

  constructor(
    private readonly context: Context,
    private readonly ends: Ends,
    private readonly writer: RowWriter,
  ) {
    this.#turns = new Turns(context);
  }

  async put(items: readonly Item[], call: Call): Promise<PutResult[]> {
    const results = new Map<Item, PutResult>();
    await Promise.all(byTimeline(items).map((group) => this.#putGroup(group, results, call)));
    return items.map((item) => results.get(item) as PutResult);
  }

  /** When the store fails for one, it has failed for those behind it. */
  async #putGroup(items: readonly Item[], results: Map<Item, PutResult>, call: Call): Promise<void> {
    const tail = new Tail(this.ends, (items[0] as Item).state, { keptMs: this.context.settings.settleMs / 2, call });
    let failed: TimelineError | undefined;
    for (const part of parts(items)) {
      const put: PutResult[] = failed ? part.map(() => failed as TimelineError) : await this.#putPart(tail, part, call);
      part.forEach((item, i) => {
        const result = put[i] as PutResult;
        results.set(item, result);
        if (result instanceof TimelineError && result.retryable) failed ??= result;
      });
    }
  }

  async #putPart(tail: Tail, items: readonly Item[], call: Call): Promise<PutResult[]> {
    try {
      const [only] = items;
      if (only && only.entry.seqId === undefined) return [await this.#putNext(tail, only, call)];
      return await this.#putGiven(tail, items, call);
    } catch (cause) {
      const error = toTimelineError(cause, 'write');
      return items.map(() => error);
    }
  }

  async #putNext(tail: Tail, item: Item, call: Call): Promise<PutResult> {
    const { state } = item;
    for (let times = 1; performance.now() < call.deadline; times++) {
      const isTheirs = await this.#turns.wait(state, call);
      if (isTheirs) tail.forget();
      const before = state.last;
      const last = await tail.read();
      if (isTheirs) this.#turns.waited(state, last > before);
      if (last >= MAX_SEQ_ID) return notAbove(state, last + 1n, last);
      const [result] = await this.#putAt([item], [last + 1n], call);
      if (typeof result === 'bigint') tail.moved(result);
      if (result !== undefined) return result;
      tail.forget();
      await this.#turns.beaten(state, times, call);
      await this.#turns.scatter(call);
    }
    const message = 'other writers took every id first';
    return new TimelineError('TIMELINE_BUSY', message, { timeline: state.timeline, retryable: true });
  }

  async #putGiven(tail: Tail, items: readonly Item[], call: Call): Promise<PutResult[]> {
    let last = await tail.read();
    const fitting = items.filter(({ entry: { seqId = 0n } }) => {
      if (seqId <= last) return false;
      last = seqId;
      return true;
    });
    const put = await this.#putAt(
      fitting,
      fitting.map(({ entry }) => entry.seqId as bigint),
      call,
    );
    tail.forget();
    const now = put.includes(undefined) || fitting.length < items.length ? await tail.read() : last;
    let next = 0;
    return items.map(
      (item) =>
        (item === fitting[next] ? put[next++] : undefined) ?? notAbove(item.state, item.entry.seqId as bigint, now),
    );
  }

  /**
   * Undefined for an item whose id is another's. A row in the way may be the item's own: of an attempt without answer, or of a request
   * that something between here and the service sent twice.
   */
  async #putAt(items: readonly Item[], ids: readonly bigint[], call: Call): Promise<(PutResult | undefined)[]> {
    const results = new Map<Item, PutResult | undefined>();
    const doubts = new Map<Item, TimelineError>();
    let left: { readonly item: Item; readonly id: bigint; readonly row: RowWrite }[] = [];
    items.forEach((item, i) => {
      const id = ids[i] as bigint;
      const row = this.writer.encode(item, id);
      if (row instanceof TimelineError) results.set(item, row);
      else left.push({ item, id, row });
    });
    for (let attempt = 1; left.length > 0; attempt++) {
      const [first] = left as [(typeof left)[number]];
      const ask = first.item.entry.seqId === undefined ? this.#turns.ask(first.item.state) : undefined;
      const begun = performance.now();
      const rows = left.map(({ row }) => row);
      const written = await this.writer.write(
        left.map(({ item }) => item),
        ask ? [...rows, ask] : rows,
        call,
      );
      const again: typeof left = [];
      let ms: number | undefined;
      await Promise.all(
        left.map(async (each, i) => {
          const result = written[i] as RowResult;
          const { item, id, row } = each;
          const isTaken = !result.ok && result.error.failure === 'condition';
          if (result.ok || (isTaken && (await this.#isOurs(item, row, call)))) {
            this.#turns.succeeded(item.state, begun, ask && written[rows.length]);
            this.writer.saw(item, id);
            results.set(item, id);
          } else if (isTaken) results.set(item, undefined);
          else {
            const error = toTimelineError(result.error, 'write');
            if (error.outcome === 'unknown') doubts.set(item, error);
            const doubt = doubts.get(item);
            if (doubt && result.error.isPassing) ms ??= pauseAfter(attempt, error, call.deadline);
            if (doubt && result.error.isPassing && ms !== undefined) again.push(each);
            else results.set(item, doubt ?? error);
          }
        }),
      );
      left = again;
      if (left.length > 0) await pause(ms ?? 0);
    }
    return items.map((item) => results.get(item));
  }

  async #isOurs({ mark }: Item, { key }: RowWrite, call: Call): Promise<boolean> {
    const { requests, tables, layout } = this.context;
    if (layout.tokenColumn === undefined || mark === '') return false;
    const [row] = await requests.get(tables.entries, [key], call, [layout.tokenColumn]);
    return row !== undefined && columnOf(row.columns, layout.tokenColumn) === mark;
  }
}

/** The last SeqId, looked up again when that was too long ago to rely on. */
class Tail {
  #last: bigint | undefined;
  #readAt = 0;

  constructor(
    private readonly ends: Ends,
    private readonly state: TimelineState,
    private readonly options: { readonly keptMs: number; readonly call: Call },
  ) {}

  async read(): Promise<bigint> {
    if (this.#last !== undefined && performance.now() - this.#readAt < this.options.keptMs) return this.#last;
    this.#readAt = performance.now();
    this.#last = (await this.ends.tail(this.state, this.options.call)).seqId;
    return this.#last;
  }

  moved(last: bigint): void {
    this.#last = last;
  }

  forget(): void {
    this.#last = undefined;
  }
}

/** Ids that the caller chose stand in an order of their own and go together; others wait for each other, to be in that of the call. */
function parts(items: readonly Item[]): Item[][] {
  const result: Item[][] = [];
  for (const item of items) {
    const last = result.at(-1);
    const joins =
      last && last.length < ROWS_TOGETHER && item.entry.seqId !== undefined && last[0]?.entry.seqId !== undefined;
    if (joins) last.push(item);
    else result.push([item]);
  }
  return result;
}

function notAbove({ timeline }: TimelineState, id: bigint, last: bigint): TimelineError {
  const message = `SeqId ${id} does not follow ${last}, the last one`;
  return new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: id, actual: last });
}
