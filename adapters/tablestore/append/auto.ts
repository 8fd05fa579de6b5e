import type { AdapterWarning, Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { pause } from '../../../src/retry.js';
import type { Context } from '../context.js';
import { type StoreError, toTimelineError } from '../service/errors.js';
import { type RowWrite, splitWrites } from '../service/requests.js';
import { AUTO } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { findByToken } from './look-back.js';
import { byTimeline, type Item, type PutResult, type Putter, type RowWriter } from './row-writer.js';

/**
 * Rows under ids that the service takes. Rows of one Timeline stand together in the order of the call, which is the order in which the
 * service gives ids within a request. It does not promise that: once it is seen to do otherwise, they go one by one.
 */
export class AutoPutter implements Putter {
  #keepsOrder = true;

  constructor(
    private readonly context: Context,
    private readonly writer: RowWriter,
    private readonly warn: (warning: AdapterWarning) => void,
  ) {}

  async put(items: readonly Item[], call: Call): Promise<PutResult[]> {
    const results = new Map<Item, PutResult>();
    const groups = byTimeline(items);
    if (this.#keepsOrder) await this.#putInChunks(groups.flat(), results, call);
    else await Promise.all(groups.map((group) => this.#putOneByOne(group, results, call)));
    return items.map((item) => results.get(item) as PutResult);
  }

  async #putOneByOne(items: readonly Item[], results: Map<Item, PutResult>, call: Call): Promise<void> {
    for (const item of items) {
      await this.#putInChunks([item], results, call);
      if (isPassing(results.get(item))) {
        for (const left of items) if (!results.has(left)) results.set(left, results.get(item) as PutResult);
        return;
      }
    }
  }

  /** One request after another where a Timeline goes on in the next, all others at once. */
  async #putInChunks(items: readonly Item[], results: Map<Item, PutResult>, call: Call): Promise<void> {
    const failed = new Map<TimelineState, TimelineError>();
    let before: Promise<void> = Promise.resolve();
    let lastState: TimelineState | undefined;
    const sent: Promise<void>[] = [];
    for (const chunk of this.#chunks(items, results)) {
      const send = async () => {
        for (const [item] of chunk)
          if (failed.has(item.state)) results.set(item, failed.get(item.state) as TimelineError);
        const left = chunk.filter(([{ state }]) => !failed.has(state));
        await this.#putChunk(left, results, call);
        for (const [item] of left) {
          const result = results.get(item);
          if (isPassing(result)) failed.set(item.state, result);
        }
      };
      before = chunk[0]?.[0].state === lastState ? before.then(send) : send();
      lastState = chunk.at(-1)?.[0].state;
      sent.push(before);
    }
    await Promise.all(sent);
  }

  #chunks(items: readonly Item[], results: Map<Item, PutResult>): (readonly [Item, RowWrite])[][] {
    const rows: RowWrite[] = [];
    const fitting: Item[] = [];
    for (const item of items) {
      const row = this.writer.encode(item, AUTO);
      if (row instanceof TimelineError) results.set(item, row);
      else {
        rows.push(row);
        fitting.push(item);
      }
    }
    let next = 0;
    return splitWrites(rows).map((chunk) => chunk.map((row) => [fitting[next++] as Item, row] as const));
  }

  async #putChunk(
    chunk: readonly (readonly [Item, RowWrite])[],
    results: Map<Item, PutResult>,
    call: Call,
  ): Promise<void> {
    if (chunk.length === 0) return;
    const items = chunk.map(([item]) => item);
    const written = await this.writer.write(
      items,
      chunk.map(([, row]) => row),
      call,
    );
    await Promise.all(
      written.map(async (result, i) => {
        const item = items[i] as Item;
        const id = result.ok ? (result.key.at(-1) as bigint) : await this.#afterFailure(item, result.error, call);
        results.set(item, id);
        if (typeof id === 'bigint') this.writer.saw(item, id);
      }),
    );
    this.#checkOrder(items, results);
  }

  /** A row that may have been put is looked for by its mark, once it would have become visible. */
  async #afterFailure({ state, mark, at }: Item, error: StoreError, call: Call): Promise<PutResult> {
    const failure = toTimelineError(error, 'write');
    if (error.failure !== 'ambiguous') return failure;
    await pause(Math.min(this.context.settings.settleMs, Math.max(0, call.deadline - performance.now())));
    try {
      return (await findByToken(this.context, state, { token: mark, at }, call)) ?? failure;
    } catch {
      return failure;
    }
  }

  #checkOrder(items: readonly Item[], results: Map<Item, PutResult>): void {
    const highest = new Map<TimelineState, bigint>();
    for (const item of items) {
      const id = results.get(item);
      if (typeof id !== 'bigint') continue;
      if (this.#keepsOrder && id < (highest.get(item.state) ?? 0n)) {
        this.#keepsOrder = false;
        const message =
          'TableStore gave ids in another order than that of the rows of a request; rows of one Timeline go one by one now';
        this.warn({ code: 'tablestore-order', message });
      }
      highest.set(item.state, id);
    }
  }
}

function isPassing(result: PutResult | undefined): result is TimelineError {
  return result instanceof TimelineError && result.retryable;
}
