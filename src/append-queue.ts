import { abortError, onAbort } from './abort.js';
import type { WriteOutcome } from './adapter.js';
import type { Draft } from './drafts.js';
import { TimelineError } from './errors.js';
import { closedError, normalized, type Session } from './session.js';

/** Writes handed to the adapter in one call, at most: enough to amortise a round trip or an fsync. */
const MAX_BATCH_WRITES = 1000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** What a write weighs in the queue when its body is shared with others. */
const SHARED_WEIGHT = 64;

/**
 * Law Order, Back-pressure, Outcome: gathers the appends of one turn of the event loop into one call of the adapter, in
 * call order, and never has two calls under way that touch the same Timeline.
 *
 * A draft first *waits* (first in, first out) for room and for its schema, then is encoded and *pending*, then *sent*.
 */
export class AppendQueue {
  readonly #session: Session;
  readonly #maxWrites: number;
  readonly #maxBytes: number;
  readonly #waiting: Draft[] = [];
  readonly #sent = new Set<SentBatch>();
  #flushes: Flush[] = [];
  #pending: Draft[] = [];
  #submitted = 0;
  #unsettled = 0;
  #admitted = 0;
  #admittedBytes = 0;
  #scheduled = false;
  #draining = false;

  constructor(session: Session, limits: { readonly pendingWrites: number; readonly pendingBytes: number }) {
    this.#session = session;
    this.#maxWrites = limits.pendingWrites;
    this.#maxBytes = limits.pendingBytes;
  }

  submit(draft: Draft): void {
    draft.number = ++this.#submitted;
    const refused = this.#session.closing.aborted ? closedError() : draft.signal?.aborted ? abortError(draft.signal) : undefined;
    if (refused) {
      draft.settle({ ok: false, error: refused });
      return;
    }
    if (draft.signal) this.#listen(draft, draft.signal);
    this.#unsettled++;
    if (this.#waiting.length === 0 && !draft.ready && this.#hasRoom()) this.#admit(draft);
    else {
      this.#waiting.push(draft);
      void this.#drain();
    }
  }

  /** Resolves when everything submitted so far has settled. */
  flush(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ through: this.#submitted, left: this.#unsettled, resolve }));
  }

  #listen(draft: Draft, signal: AbortSignal): void {
    const stop = () => this.#settle(draft, { ok: false, error: abortError(signal, draft.sent ? 'unknown' : 'not-applied') });
    draft.forget = onAbort(signal, stop);
  }

  #hasRoom(): boolean {
    return this.#admitted < this.#maxWrites && this.#admittedBytes < this.#maxBytes;
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#waiting.length > 0) {
      const draft = this.#waiting[0] as Draft;
      if (draft.ready && !draft.settled) await draft.ready.catch(() => undefined);
      if (!draft.settled && !this.#hasRoom()) break;
      this.#waiting.shift();
      if (!draft.settled) this.#admit(draft);
    }
    this.#draining = false;
  }

  #admit(draft: Draft): void {
    try {
      draft.entries = draft.encode();
    } catch (error) {
      this.#settle(draft, { ok: false, error: error as TimelineError });
      return;
    }
    for (const { payload } of draft.entries) draft.weight += payload.shared ? SHARED_WEIGHT : payload.size;
    this.#admitted++;
    this.#admittedBytes += draft.weight;
    this.#pending.push(draft);
    this.#schedule();
  }

  /** The next tick comes when the microtasks of this turn have run, so that every append of the turn is in the batch. */
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
      else if (batch.length >= MAX_BATCH_WRITES || bytes >= MAX_BATCH_BYTES || this.#isBusy(draft.timeline)) left.push(draft);
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
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt++) {
      const outcomes = await this.#attempt(left);
      const again: Draft[] = [];
      left.forEach((draft, i) => {
        const outcome = complete(draft, outcomes[i]);
        if (!outcome.ok && attempt < this.#session.retry.attempts && mayRepeat(draft, outcome.error)) again.push(draft);
        else this.#settle(draft, outcome.ok ? outcome : { ok: false, error: asUnknown(outcome.error) });
      });
      left = again;
      if (left.length > 0) await this.#session.retry.pause(attempt);
    }
    this.#sent.delete(sent);
    for (const draft of batch) this.#release(draft);
    void this.#drain();
    this.#schedule();
  }

  async #attempt(drafts: readonly Draft[]): Promise<readonly WriteOutcome[]> {
    try {
      return await normalized(() => this.#session.library.append(drafts), 'unknown');
    } catch (error) {
      return drafts.map(() => ({ ok: false, error: error as TimelineError }));
    }
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

/** One caller of `flush`, and how many of the writes numbered up to `through` have not settled. */
interface Flush {
  readonly through: number;
  left: number;
  readonly resolve: () => void;
}

/** What one call of the adapter is at work on. The names are gathered when there is a next batch to compare with. */
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

/** A key lets the store tell a repetition from a new message; without one only what surely failed may be repeated. */
function mayRepeat(draft: Draft, error: TimelineError): boolean {
  if (draft.settled) return false;
  if (error.outcome === 'not-applied') return error.retryable;
  return error.outcome === 'unknown' && draft.entries.every((entry) => entry.key !== undefined);
}

function asUnknown(error: TimelineError): TimelineError {
  if (error.outcome !== 'unknown' || error.code === 'TIMELINE_OUTCOME_UNKNOWN') return error;
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', `the store may or may not have taken the write: ${error.message}`, {
    cause: error,
    outcome: 'unknown',
  });
}

/** An adapter that answers for less than it was asked leaves the rest unknown. */
function complete({ entries }: Draft, outcome: WriteOutcome | undefined): WriteOutcome {
  if (outcome && (!outcome.ok || outcome.entries.length === entries.length)) return outcome;
  const message = 'the adapter gave no outcome for the write';
  return { ok: false, error: new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome: 'unknown' }) };
}
