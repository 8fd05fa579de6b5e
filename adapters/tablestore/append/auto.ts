import type { Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { type StoreError, toTimelineError } from '../service/errors.js';
import { type RowWrite, splitWrites } from '../service/requests.js';
import { AUTO } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { byTimeline, type PutResult, type RowAppend, type RowSender, type RowWriter } from './rows.js';

interface EncodedAppend {
  readonly append: RowAppend;
  readonly row: RowWrite;
}

type Results = Map<RowAppend, PutResult>;

/**
 * Puts rows under ids that the service chooses. Rows of one Timeline stand together in the order of the call: the
 * service numbers the rows of a request in their order. It does not promise to. Once it does otherwise, rows of one
 * Timeline go one by one.
 */
export class AutoRowWriter implements RowWriter {
  readonly #context: Context;
  readonly #sender: RowSender;
  #serviceKeepsOrder = true;

  constructor(context: Context, sender: RowSender) {
    this.#context = context;
    this.#sender = sender;
  }

  async put(appends: readonly RowAppend[], call: Call): Promise<PutResult[]> {
    const results: Results = new Map();
    const groups = byTimeline(appends);
    if (this.#serviceKeepsOrder) await this.#putTogether(groups.flat(), results, call);
    else await Promise.all(groups.map((group) => this.#putOneByOne(group, results, call)));
    return appends.map((append) => results.get(append) as PutResult);
  }

  async #putOneByOne(appends: readonly RowAppend[], results: Results, call: Call): Promise<void> {
    for (const append of appends) {
      await this.#putTogether([append], results, call);
      const result = results.get(append);
      if (isRetryable(result)) {
        for (const left of appends) if (!results.has(left)) results.set(left, result);
        return;
      }
    }
  }

  /** Sends all requests at once, but one after another where a Timeline goes on in the next. */
  async #putTogether(appends: readonly RowAppend[], results: Results, call: Call): Promise<void> {
    const failed = new Map<TimelineState, TimelineError>();
    let previous: Promise<void> = Promise.resolve();
    let lastState: TimelineState | undefined;
    const sent: Promise<void>[] = [];
    for (const chunk of this.#chunks(appends, results)) {
      const send = async () => {
        for (const { append } of chunk) {
          const error = failed.get(append.state);
          if (error) results.set(append, error);
        }
        const left = chunk.filter(({ append }) => !failed.has(append.state));
        await this.#putChunk(left, results, call);
        for (const { append } of left) {
          const result = results.get(append);
          if (isRetryable(result)) failed.set(append.state, result);
        }
      };
      previous = chunk[0]?.append.state === lastState ? previous.then(send) : send();
      lastState = chunk.at(-1)?.append.state;
      sent.push(previous);
    }
    await Promise.all(sent);
  }

  #chunks(appends: readonly RowAppend[], results: Results): EncodedAppend[][] {
    const encoded: EncodedAppend[] = [];
    for (const append of appends) {
      const row = this.#sender.encode(append, AUTO);
      if (row instanceof TimelineError) results.set(append, row);
      else encoded.push({ append, row });
    }
    let next = 0;
    return splitWrites(encoded.map(({ row }) => row)).map((rows) => rows.map(() => encoded[next++] as EncodedAppend));
  }

  async #putChunk(chunk: readonly EncodedAppend[], results: Results, call: Call): Promise<void> {
    if (chunk.length === 0) return;
    const appends = chunk.map(({ append }) => append);
    const rows = chunk.map(({ row }) => row);
    const written = await this.#sender.write(appends, rows, call);
    await Promise.all(
      written.map(async (result, i) => {
        const append = appends[i] as RowAppend;
        const id = result.ok ? (result.key.at(-1) as bigint) : await this.#recover(append, result.error, call);
        results.set(append, id);
        if (typeof id === 'bigint') this.#sender.stored(append, id);
      }),
    );
    this.#checkOrder(appends, results);
  }

  /** Searches for a row that may have been stored, once it would have become visible. */
  async #recover({ state, recoveryTag, at }: RowAppend, error: StoreError, call: Call): Promise<PutResult> {
    const failure = toTimelineError(error, 'write');
    if (error.failure !== 'ambiguous') return failure;
    await pause(Math.min(this.#context.settings.settleMs, Math.max(0, call.deadline - performance.now())));
    try {
      return (await this.#context.entryTable.findByTag(state, recoveryTag, at, call)) ?? failure;
    } catch {
      return failure;
    }
  }

  #checkOrder(appends: readonly RowAppend[], results: Results): void {
    const highest = new Map<TimelineState, bigint>();
    for (const append of appends) {
      const id = results.get(append);
      if (typeof id !== 'bigint') continue;
      if (this.#serviceKeepsOrder && id < (highest.get(append.state) ?? 0n)) {
        this.#serviceKeepsOrder = false;
        const message =
          'TableStore gave ids in another order than that of the rows of a request; ' +
          'rows of one Timeline go one by one now';
        this.#context.options.warn({ code: 'tablestore-order', message });
      }
      highest.set(append.state, id);
    }
  }
}

function isRetryable(result: PutResult | undefined): result is TimelineError {
  return result instanceof TimelineError && result.retryable;
}
