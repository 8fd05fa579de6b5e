import { MAX_SEQ_ID } from '../../src/cursor.js';
import { TimelineError } from '../../src/errors.js';
import type { Context } from './context.js';
import type { Ends } from './ends.js';
import type { RowResult, RowWrite } from './requests.js';
import { byTimeline, type Item, type PutResult, type Putter, type RowWriter } from './row-writer.js';
import { toTimelineError } from './tablestore-errors.js';
import type { TimelineState } from './timeline-state.js';
import { columnOf } from './values.js';

/** Rows that one request may hold, and one less to list the Timeline. */
const ROWS_TOGETHER = 199;
const MOST_COLLISIONS = 100;
const ATTEMPTS = 4;

/**
 * Rows under ids that the caller chose, or the next where he chose none. That an id lies above the tail is looked up just before: two
 * writers may still come to lie in either order, and only for the same id one of them is refused.
 */
export class ChosenPutter implements Putter {
  constructor(
    private readonly context: Context,
    private readonly ends: Ends,
    private readonly writer: RowWriter,
  ) {}

  async put(items: readonly Item[]): Promise<PutResult[]> {
    const results = new Map<Item, PutResult>();
    await Promise.all(byTimeline(items).map((group) => this.#putGroup(group, results)));
    return items.map((item) => results.get(item) as PutResult);
  }

  /** When the store fails for one, it has failed for those behind it. */
  async #putGroup(items: readonly Item[], results: Map<Item, PutResult>): Promise<void> {
    const tail = new Tail(this.ends, (items[0] as Item).state, this.context.settings.settleMs / 2);
    let failed: TimelineError | undefined;
    for (const part of parts(items)) {
      const put: PutResult[] = failed ? part.map(() => failed as TimelineError) : await this.#putPart(tail, part);
      part.forEach((item, i) => {
        const result = put[i] as PutResult;
        results.set(item, result);
        if (result instanceof TimelineError && result.retryable) failed ??= result;
      });
    }
  }

  async #putPart(tail: Tail, items: readonly Item[]): Promise<PutResult[]> {
    try {
      const [only] = items;
      if (only && only.entry.seqId === undefined) return [await this.#putNext(tail, only)];
      return await this.#putGiven(tail, items);
    } catch (cause) {
      const error = toTimelineError(cause, 'write');
      return items.map(() => error);
    }
  }

  async #putNext(tail: Tail, item: Item): Promise<PutResult> {
    for (let collisions = 0; collisions < MOST_COLLISIONS; collisions++) {
      const last = await tail.read();
      if (last >= MAX_SEQ_ID) return notAbove(item.state, last + 1n, last);
      const [result] = await this.#putAt([item], [last + 1n]);
      if (typeof result === 'bigint') tail.moved(result);
      if (result !== undefined) return result;
      tail.forget();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(50, 2 * collisions)));
    }
    const message = 'other writers took every id first';
    return new TimelineError('TIMELINE_BUSY', message, { timeline: item.state.timeline, retryable: true });
  }

  async #putGiven(tail: Tail, items: readonly Item[]): Promise<PutResult[]> {
    let last = await tail.read();
    const fitting = items.filter(({ entry: { seqId = 0n } }) => {
      if (seqId <= last) return false;
      last = seqId;
      return true;
    });
    const put = await this.#putAt(
      fitting,
      fitting.map(({ entry }) => entry.seqId as bigint),
    );
    tail.forget();
    const now = put.includes(undefined) || fitting.length < items.length ? await tail.read() : last;
    let next = 0;
    return items.map(
      (item) => (item === fitting[next] ? put[next++] : undefined) ?? notAbove(item.state, item.entry.seqId as bigint, now),
    );
  }

  /** Undefined for an item whose id is another's. An attempt without answer is known by its mark when it is found in the way. */
  async #putAt(items: readonly Item[], ids: readonly bigint[]): Promise<(PutResult | undefined)[]> {
    const results = new Map<Item, PutResult | undefined>();
    let left: { readonly item: Item; readonly id: bigint; readonly row: RowWrite }[] = [];
    items.forEach((item, i) => {
      const id = ids[i] as bigint;
      const row = this.writer.encode(item, id);
      if (row instanceof TimelineError) results.set(item, row);
      else left.push({ item, id, row });
    });
    for (let attempt = 1; left.length > 0; attempt++) {
      const written = await this.writer.write(
        left.map(({ item }) => item),
        left.map(({ row }) => row),
      );
      const again: typeof left = [];
      await Promise.all(
        left.map(async (each, i) => {
          const result = written[i] as RowResult;
          const { item, id, row } = each;
          const isTaken = !result.ok && result.error.failure === 'condition';
          if (result.ok || (isTaken && attempt > 1 && (await this.#isOurs(item, row)))) {
            this.writer.saw(item, id);
            results.set(item, id);
          } else if (isTaken) results.set(item, undefined);
          else if (attempt === ATTEMPTS || result.error.failure === 'refused')
            results.set(item, toTimelineError(result.error, 'write'));
          else again.push(each);
        }),
      );
      left = again;
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt * Math.random()));
    }
    return items.map((item) => results.get(item));
  }

  async #isOurs({ mark }: Item, { key }: RowWrite): Promise<boolean> {
    const { requests, tables, layout } = this.context;
    if (layout.tokenColumn === undefined || mark === '') return false;
    const [row] = await requests.get(tables.entries, [key], [layout.tokenColumn]);
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
    private readonly keptMs: number,
  ) {}

  async read(): Promise<bigint> {
    if (this.#last !== undefined && performance.now() - this.#readAt < this.keptMs) return this.#last;
    this.#readAt = performance.now();
    this.#last = (await this.ends.tail(this.state)).seqId;
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
    const joins = last && last.length < ROWS_TOGETHER && item.entry.seqId !== undefined && last[0]?.entry.seqId !== undefined;
    if (joins) last.push(item);
    else result.push([item]);
  }
  return result;
}

function notAbove({ timeline }: TimelineState, id: bigint, last: bigint): TimelineError {
  const message = `SeqId ${id} does not follow ${last}, the last one`;
  return new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: id, actual: last });
}
