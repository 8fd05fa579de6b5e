import { abortError, onAbort } from './abort.js';
import type { Call, WriteOutcome } from './adapter.js';
import { checkOutcomes } from './adapter-shape.js';
import type { Draft } from './drafts.js';
import { TimelineError } from './errors.js';
import { Fifo } from './fifo.js';
import { pauseAfter } from './retry.js';
import { SchemaGate } from './schema-gate.js';
import { closedError, type Session } from './session.js';
import { pause } from './toolkit/pause.js';

/** Maximum writes per call of the adapter: enough to amortise a round trip or an fsync. */
const MAX_BATCH_WRITES = 1000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Weight of a queued write that shares its body with others. */
const SHARED_WEIGHT = 64;

/**
 * Laws Order, Back-pressure, Outcome, Budget: gathers the appends of one turn of the event loop into one call of the
 * adapter, in call order. Two concurrent calls never write to the same Timeline.
 *
 * A draft waits for the schema, behind earlier ones of its Timeline; then for room (first in, first out); then it is
 * encoded and *pending*, then *sent*. Its budget starts there.
 */
export class AppendQueue {
  readonly #session: Session;
  readonly #maxWrites: number;
  readonly #maxBytes: number;
  readonly #gate = new SchemaGate((draft) => this.#enqueue(draft));
  readonly #waiting = new Fifo<Draft>();
  readonly #sent = new Set<SentBatch>();
  #flushes: Flush[] = [];
  #pending: Draft[] = [];
  #submitted = 0;
  #unsettled = 0;
  #admitted = 0;
  #admittedBytes = 0;
  #scheduled = false;
  #answeredAt = 0;

  constructor(session: Session, limits: { readonly pendingWrites: number; readonly pendingBytes: number }) {
    this.#session = session;
    this.#maxWrites = limits.pendingWrites;
    this.#maxBytes = limits.pendingBytes;
  }

  submit(draft: Draft): void {
    draft.number = ++this.#submitted;
    const { closing } = this.#session;
    const refused = closing.aborted ? closedError() : draft.signal?.aborted ? abortError(draft.signal) : undefined;
    if (refused) {
      draft.settle({ ok: false, error: refused });
      return;
    }
    if (draft.signal) this.#listen(draft, draft.signal);
    this.#unsettled++;
    this.#gate.enter(draft);
  }

  /** Resolves once every draft submitted so far has succeeded or failed. */
  flush(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ through: this.#submitted, left: this.#unsettled, resolve }));
  }

  /** Flushes, but does not wait for a schema beyond the budget. */
  async close(): Promise<void> {
    const giveUp = () => {
      for (const draft of this.#gate.drain()) this.#fail(draft, schemaIsLate());
    };
    const timer = setTimeout(giveUp, this.#session.budgetMs);
    await this.flush();
    clearTimeout(timer);
  }

  #listen(draft: Draft, signal: AbortSignal): void {
    const stop = () => {
      this.#fail(draft, abortError(signal, draft.sent ? 'unknown' : 'not-applied'));
      this.#gate.leave(draft);
    };
    draft.forget = onAbort(signal, stop);
  }

  #hasRoom(): boolean {
    return this.#admitted < this.#maxWrites && this.#admittedBytes < this.#maxBytes;
  }

  #enqueue(draft: Draft): void {
    if (this.#waiting.length === 0 && this.#hasRoom()) this.#admit(draft);
    else this.#waiting.push(draft);
  }

  #drain(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      const draft = this.#waiting.shift() as Draft;
      if (!draft.settled) this.#admit(draft);
    }
  }

  #admit(draft: Draft): void {
    try {
      draft.entries = draft.encode();
    } catch (error) {
      this.#fail(draft, error as TimelineError);
      return;
    }
    for (const { payload } of draft.entries) draft.weight += payload.shared ? SHARED_WEIGHT : payload.size;
    this.#admitted++;
    this.#admittedBytes += draft.weight;
    this.#pending.push(draft);
    this.#schedule();
  }

  /**
   * Waits for the next tick, which follows the microtasks of this turn, so that the batch has every append of the turn.
   */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      while (this.#sent.size < (this.#session.library.maxInFlight ?? 1)) {
        const batch = this.#takeBatch();
        if (batch.length === 0) return;
        void this.#send(batch);
      }
    });
  }

  #takeBatch(): Draft[] {
    const batch: Draft[] = [];
    const left: Draft[] = [];
    let bytes = 0;
    for (const draft of this.#pending) {
      if (draft.settled) this.#release(draft);
      else if (batch.length >= MAX_BATCH_WRITES || bytes >= MAX_BATCH_BYTES || this.#isBusy(draft.timeline))
        left.push(draft);
      else {
        batch.push(draft);
        bytes += draft.weight;
      }
    }
    this.#pending = left;
    return batch;
  }

  #isBusy(timeline: string): boolean {
    for (const batch of this.#sent) if (batch.names(timeline)) return true;
    return false;
  }

  async #send(batch: readonly Draft[]): Promise<void> {
    const sent = new SentBatch(batch);
    this.#sent.add(sent);
    for (const draft of batch) draft.sent = true;
    const call = this.#session.newCall();
    const sentAt = performance.now();
    let failure: TimelineError | undefined;
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt++) {
      const outcomes = await this.#attempt(left, call);
      const again: Draft[] = [];
      let ms: number | undefined = 0;
      for (const [i, draft] of left.entries()) {
        const outcome = outcomes[i] as WriteOutcome;
        if (outcome.ok) {
          this.#settle(draft, outcome);
          continue;
        }
        failure = outcome.error;
        const repeat = ms !== undefined && mayRepeat(draft, outcome.error);
        if (repeat && again.length === 0) ms = pauseAfter(attempt, outcome.error, call.deadline, this.#session.retry);
        if (repeat && ms !== undefined) again.push(draft);
        else this.#fail(draft, asUnknown(outcome.error));
      }
      left = again;
      if (outcomes.some(isAnswer)) this.#answeredAt = performance.now();
      if (left.length > 0) await pause(ms ?? 0);
    }
    this.#sent.delete(sent);
    for (const draft of batch) this.#release(draft);
    const { budgetMs } = this.#session;
    if (failure && this.#answeredAt < sentAt && performance.now() >= call.deadline - budgetMs / 10)
      this.#failWaiting(failure);
    this.#drain();
    this.#schedule();
  }

  /** Law Budget: fails the writes queued behind a store that has not answered for a whole budget. */
  #failWaiting(cause: TimelineError): void {
    const code = cause.code === 'TIMELINE_BUSY' ? 'TIMELINE_BUSY' : 'TIMELINE_UNAVAILABLE';
    const message = `not sent, as the store took no write for ${this.#session.budgetMs} ms: ${cause.message}`;
    const error = new TimelineError(code, message, { cause, retryable: true });
    for (const draft of this.#pending.splice(0)) {
      this.#release(draft);
      this.#fail(draft, error);
    }
    for (const draft of this.#waiting.drain()) this.#fail(draft, error);
  }

  async #attempt(drafts: readonly Draft[], call: Call): Promise<readonly WriteOutcome[]> {
    const { library, capabilities } = this.#session;
    try {
      const outcomes = await this.#session.attempt((each) => library.append(drafts, each), call, 'unknown');
      return checkOutcomes(capabilities.adapter, outcomes, drafts);
    } catch (error) {
      return drafts.map(() => ({ ok: false, error: error as TimelineError }));
    }
  }

  #fail(draft: Draft, error: TimelineError): void {
    this.#settle(draft, { ok: false, error });
  }

  #release(draft: Draft): void {
    this.#admitted--;
    this.#admittedBytes -= draft.weight;
  }

  #settle(draft: Draft, outcome: WriteOutcome): void {
    if (draft.settled) return;
    draft.settled = true;
    draft.forget?.();
    this.#unsettled--;
    draft.settle(outcome);
    if (this.#flushes.length > 0) this.#countDown(draft.number);
  }

  #countDown(settled: number): void {
    for (const flush of this.#flushes) if (settled <= flush.through) flush.left--;
    const due = this.#flushes.filter(({ left }) => left === 0);
    if (due.length === 0) return;
    this.#flushes = this.#flushes.filter(({ left }) => left > 0);
    for (const { resolve } of due) resolve();
  }
}

/** One caller of `flush`, and the number of unfinished writes up to number `through`. */
interface Flush {
  readonly through: number;
  left: number;
  readonly resolve: () => void;
}

/** The writes of one call of the adapter. Collects names only when there is a next batch to compare with. */
class SentBatch {
  readonly #drafts: readonly Draft[];
  #names: Set<string> | undefined;

  constructor(drafts: readonly Draft[]) {
    this.#drafts = drafts;
  }

  names(timeline: string): boolean {
    this.#names ??= new Set(this.#drafts.map((draft) => draft.timeline));
    return this.#names.has(timeline);
  }
}

/** A key lets the store recognize a repetition; without one, only a write that was not applied may be repeated. */
function mayRepeat(draft: Draft, error: TimelineError): boolean {
  if (draft.settled) return false;
  if (error.outcome === 'not-applied') return error.retryable;
  return error.outcome === 'unknown' && draft.entries.every((entry) => entry.key !== undefined);
}

function asUnknown(error: TimelineError): TimelineError {
  if (error.outcome !== 'unknown' || error.code === 'TIMELINE_OUTCOME_UNKNOWN') return error;
  return new TimelineError(
    'TIMELINE_OUTCOME_UNKNOWN',
    `the store may or may not have taken the write: ${error.message}`,
    {
      cause: error,
      outcome: 'unknown',
    },
  );
}

/** Returns true if the store answered, even with an error. */
function isAnswer(outcome: WriteOutcome): boolean {
  return outcome.ok || !(outcome.error.retryable || outcome.error.outcome === 'unknown');
}

function schemaIsLate(): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', 'the schema has not answered, and the store is closing');
}
