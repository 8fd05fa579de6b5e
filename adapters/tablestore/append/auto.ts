import type { Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { type StoreError, toTimelineError } from '../service/errors.js';
import { type RowWrite, splitWrites } from '../service/requests.js';
import { AUTO } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { byTimeline, type PutResults, type RowAppend, RowSender, type RowWriter } from './rows.js';

interface EncodedAppend {
  readonly append: RowAppend;
  readonly row: RowWrite;
}

/**
 * Puts rows under ids that the service chooses. Rows of one Timeline stand together in the order of the call: the
 * service numbers the rows of a request in their order. It does not promise to. Once it does otherwise, rows of one
 * Timeline go one by one.
 */
export class AutoRowWriter implements RowWriter {
  readonly #context: Context;
  readonly #sender: RowSender;
  #serviceKeepsOrder = true;

  constructor(context: Context) {
    this.#context = context;
    this.#sender = new RowSender(context);
  }

  /** Sends all requests at once, but one after another where a Timeline goes on in the next. */
  async put(appends: readonly RowAppend[], call: Call): Promise<PutResults> {
    const results: PutResults = new Map();
    const failed = new Map<TimelineState, TimelineError>();
    const sent: Promise<void>[] = [];
    let lastState: TimelineState | undefined;
    for (const chunk of this.#chunks(byTimeline(appends).flat(), results)) {
      const send = async () => {
        for (const { append } of chunk) {
          const error = failed.get(append.state);
          if (error) results.set(append, error);
        }
        const left = chunk.filter(({ append }) => !failed.has(append.state));
        await this.#putChunk(left, results, call);
        for (const { append } of left) {
          const result = results.get(append);
          if (result instanceof TimelineError && result.retryable) failed.set(append.state, result);
        }
      };
      const goesOn = chunk[0]?.append.state === lastState;
      sent.push(goesOn ? (sent.at(-1) as Promise<void>).then(send) : send());
      lastState = chunk.at(-1)?.append.state;
    }
    await Promise.all(sent);
    return results;
  }

  #chunks(appends: readonly RowAppend[], results: PutResults): EncodedAppend[][] {
    const encoded = new Map<RowWrite, RowAppend>();
    for (const append of appends) {
      const row = this.#sender.encode(append, AUTO);
      if (row instanceof TimelineError) results.set(append, row);
      else encoded.set(row, append);
    }
    const rows = [...encoded.keys()];
    const chunks = this.#serviceKeepsOrder ? splitWrites(rows) : rows.map((row) => [row]);
    return chunks.map((chunk) => chunk.map((row) => ({ row, append: encoded.get(row) as RowAppend })));
  }

  async #putChunk(chunk: readonly EncodedAppend[], results: PutResults, call: Call): Promise<void> {
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
  async #recover(
    { state, recoveryTag, at }: RowAppend,
    error: StoreError,
    call: Call,
  ): Promise<bigint | TimelineError> {
    const failure = toTimelineError(error, 'write');
    if (error.failure !== 'ambiguous') return failure;
    await pause(Math.min(this.#context.settings.settleMs, Math.max(0, call.deadline - performance.now())));
    const found = await this.#context.entryTable.findByTag(state, recoveryTag, at, call).catch(() => undefined);
    return found ?? failure;
  }

  #checkOrder(appends: readonly RowAppend[], results: PutResults): void {
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
