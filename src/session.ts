import { abortable, throwIfAborted } from './abort.js';
import type { AdapterHead, AdapterLibrary, AdapterWarning, Call, Capabilities, Range, Slice } from './adapter.js';
import { checkHeads, checkSlices } from './adapter-shape.js';
import { Backstop } from './backstop.js';
import { noAnswer } from './budget.js';
import { isTimelineError, type Outcome, TimelineError } from './errors.js';
import { type RetryPolicy, retryUntil } from './retry.js';

/** Capabilities that a caller can run into, by the name in which they are declared. */
type Feature = 'expectedLast' | 'manualIds' | 'update' | 'delete' | 'trim' | 'timelines' | 'checkpoints';

export interface SessionOptions {
  readonly retry: RetryPolicy;
  readonly pollMs: number;
  readonly warn: (warning: AdapterWarning) => void;
}

/**
 * One open library as every operation sees it: refused once closed, counted while under way so that closing can wait,
 * repeated where that is safe, ended by its budget, and failing with a `TimelineError` whatever the adapter threw.
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

  /** Fires when the store begins to close; what waits for something that may never come listens to it. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  checkOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }

  checkSupported(feature: Feature): void {
    if (this.capabilities[feature] !== true) throw unsupported(this.capabilities, feature);
  }

  checkWritable(): void {
    if (this.capabilities.readOnly)
      throw unsupported(this.capabilities, 'readOnly', 'this library is open for reading only');
  }

  /** Reads change nothing, so whatever the store calls passing is tried again. */
  read<T>(run: (call: Call) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#run(run, (error) => error.retryable, 'not-applied', signal);
  }

  /** `idempotent` writes are also tried again when the store may have taken them. */
  write<T>(run: (call: Call) => Promise<T>, options: { idempotent: boolean }, signal?: AbortSignal): Promise<T> {
    const mayRepeat = (error: TimelineError) =>
      error.outcome === 'unknown' ? options.idempotent : error.retryable && error.outcome === 'not-applied';
    return this.#run(run, mayRepeat, 'unknown', signal);
  }

  async readRanges(ranges: readonly Range[], signal?: AbortSignal): Promise<readonly Slice[]> {
    const slices = await this.read((call) => this.library.read(ranges, call), signal);
    return checkSlices(this.capabilities.adapter, slices, ranges.length);
  }

  async readHeads(timelines: readonly string[], signal?: AbortSignal): Promise<readonly AdapterHead[]> {
    const heads = await this.read((call) => this.library.heads(timelines, call), signal);
    return checkHeads(this.capabilities.adapter, heads, timelines.length);
  }

  async #run<T>(
    run: (call: Call) => Promise<T>,
    mayRepeat: (error: TimelineError) => boolean,
    outcome: Outcome,
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
    return abortable(work, signal, outcome);
  }

  newCall(): Call {
    return { deadline: performance.now() + this.budgetMs };
  }

  /** One attempt, ended a little after the deadline if the adapter has not ended it. */
  attempt<T>(run: (call: Call) => Promise<T>, call: Call, outcome: Outcome): Promise<T> {
    const late = () => noAnswer(this.capabilities.adapter, this.budgetMs, outcome);
    return this.#backstop.bound(call.deadline + this.budgetMs / 20, late, () => normalized(() => run(call), outcome));
  }

  /** Refuses what comes from now on and wakes what waits. */
  refuse(): void {
    this.#closeBy = this.newCall().deadline;
    this.#closing.abort();
  }

  /** Calls under way end within their budgets, and so does this. */
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
      // The store is closed for its caller; nobody could do more about what the adapter still holds.
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

/** Whatever an adapter throws, its caller gets a `TimelineError`; of a foreign error nothing good is assumed. */
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
