import { abortable, throwIfAborted } from './abort.js';
import type { AdapterHead, AdapterLibrary, AdapterWarning, Call, Capabilities, Range, Slice } from './adapter.js';
import { checkHeads, checkSlices } from './adapter-shape.js';
import { Backstop } from './backstop.js';
import { noAnswer } from './budget.js';
import { isTimelineError, type Outcome, TimelineError } from './errors.js';
import { errorOf, type Operation } from './operation.js';
import { type RetryPolicy, retryUntil } from './retry.js';

/** Capabilities that a call may require, by declared name. */
type Feature = Extract<
  keyof Capabilities,
  'expectedLast' | 'manualIds' | 'update' | 'delete' | 'trim' | 'drop' | 'timelines' | 'checkpoints' | 'signals'
>;

export interface SessionOptions {
  readonly retry: RetryPolicy;
  readonly pollMs: number;
  readonly warn: (warning: AdapterWarning) => void;
}

/**
 * Runs the operations of one open library. Refuses them once closed, counts them so that closing can wait, repeats them
 * where that is safe, ends them by their budget, and turns every error of the adapter into a `TimelineError`.
 */
export class Session {
  readonly library: AdapterLibrary;
  readonly capabilities: Capabilities;
  readonly retry: RetryPolicy;
  readonly pollMs: number;
  readonly warn: (warning: AdapterWarning) => void;
  readonly #backstop = new Backstop();
  readonly #closing = new AbortController();
  #active = 0;
  #closeBy = 0;
  #idle: (() => void) | undefined;

  constructor(library: AdapterLibrary, options: SessionOptions) {
    this.library = library;
    this.capabilities = Object.freeze({ ...library.capabilities });
    this.retry = options.retry;
    this.pollMs = options.pollMs;
    this.warn = options.warn;
  }

  get budgetMs(): number {
    return this.capabilities.budgetMs;
  }

  /** Fires when the store begins to close, to end open-ended waits. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  checkOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }

  checkSupported(feature: Feature): void {
    const declared = this.capabilities[feature];
    if (declared === false || declared === 'none') throw unsupported(this.capabilities, feature);
  }

  checkWritable(): void {
    if (this.capabilities.readOnly)
      throw unsupported(this.capabilities, 'readOnly', 'this library is open for reading only');
  }

  /** Retries every transient failure, because reads change nothing. */
  read<T>(run: (call: Call) => Promise<T>, signal?: AbortSignal, operation?: Operation): Promise<T> {
    return this.#run(run, (error) => error.retryable, { outcome: 'not-applied', operation }, signal);
  }

  /** Repeats `idempotent` writes even if the store may have applied them. */
  write<T>(
    run: (call: Call) => Promise<T>,
    options: { readonly idempotent: boolean; readonly operation?: Operation },
    signal?: AbortSignal,
  ): Promise<T> {
    const mayRepeat = (error: TimelineError) =>
      error.outcome === 'unknown' ? options.idempotent : error.retryable && error.outcome === 'not-applied';
    return this.#run(run, mayRepeat, { outcome: 'unknown', operation: options.operation }, signal);
  }

  async readRanges(ranges: readonly Range[], signal?: AbortSignal, operation?: Operation): Promise<readonly Slice[]> {
    const slices = await this.read((call) => this.library.read(ranges, call), signal, operation);
    return checkSlices(this.capabilities.adapter, slices, ranges.length);
  }

  async readHeads(
    timelines: readonly string[],
    signal?: AbortSignal,
    operation?: Operation,
  ): Promise<readonly AdapterHead[]> {
    const heads = await this.read((call) => this.library.heads(timelines, call), signal, operation);
    return checkHeads(this.capabilities.adapter, heads, timelines.length);
  }

  async #run<T>(
    run: (call: Call) => Promise<T>,
    mayRepeat: (error: TimelineError) => boolean,
    { outcome, operation }: { readonly outcome: Outcome; readonly operation: Operation | undefined },
    signal?: AbortSignal,
  ): Promise<T> {
    this.checkOpen();
    throwIfAborted(signal);
    this.#active++;
    const call = this.newCall();
    const work = retryUntil(call.deadline, mayRepeat, () => this.attempt(run, call, outcome), {
      policy: this.retry,
      signal,
    }).finally(() => {
      if (--this.#active === 0) this.#idle?.();
    });
    try {
      return await abortable(work, signal, outcome);
    } catch (error) {
      throw operation ? errorOf(operation, error as TimelineError) : error;
    }
  }

  newCall(): Call {
    return { deadline: performance.now() + this.budgetMs };
  }

  /** Runs one attempt, and ends it shortly after the deadline if the adapter has not. */
  attempt<T>(run: (call: Call) => Promise<T>, call: Call, outcome: Outcome): Promise<T> {
    const late = () => noAnswer(this.capabilities.adapter, this.budgetMs, outcome);
    return this.#backstop.bound(call.deadline + this.budgetMs / 20, late, () => normalized(() => run(call), outcome));
  }

  /** Refuses later calls and ends waits. */
  refuse(): void {
    this.#closeBy = this.newCall().deadline;
    this.#closing.abort();
  }

  /** Waits for open calls, which end within their budgets. */
  async close(): Promise<void> {
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const call = { deadline: Math.max(this.#closeBy, performance.now()) };
    const { adapter } = this.capabilities;
    const late = () => new CloseUnanswered();
    try {
      await this.#backstop.bound(call.deadline + this.budgetMs / 20, late, () =>
        normalized(() => this.library.close(call), 'not-applied'),
      );
    } catch (error) {
      if (!(error instanceof CloseUnanswered)) throw error;
      // The store is closed for its caller, who could not release the adapter's resources either.
      const message = `${adapter} did not close within ${this.budgetMs} ms; its resources stay until the process ends`;
      this.warn({ code: 'close-unanswered', message });
    }
  }
}

class CloseUnanswered extends Error {}

export function closedError(): TimelineError {
  return new TimelineError('TIMELINE_CLOSED', 'the store is closed');
}

export function unsupported(capabilities: Capabilities, capability: keyof Capabilities, why?: string): TimelineError {
  const message = why ?? `the ${capabilities.adapter} adapter does not support ${capability}`;
  return new TimelineError('TIMELINE_UNSUPPORTED', message, { capability });
}

/** Turns any error of an adapter into a `TimelineError`; a foreign one is not retryable. */
export async function normalized<T>(run: () => Promise<T>, outcome: Outcome): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (isTimelineError(cause)) throw cause;
    const message = `the store failed: ${(cause as Error)?.message ?? cause}`;
    const code = outcome === 'unknown' ? 'TIMELINE_OUTCOME_UNKNOWN' : 'TIMELINE_UNAVAILABLE';
    throw new TimelineError(code, message, { cause, outcome });
  }
}
