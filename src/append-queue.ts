import { abortError, onAbort } from './abort.js';
import type { Write, WriteEntry, WriteOutcome } from './adapter.js';
import type { SizedPayload } from './codec.js';
import { TimelineError } from './errors.js';
import { closedError, normalized, type Session } from './session.js';

/** Writes handed to the adapter in one call, at most: enough to amortise a round trip or an fsync. */
const MAX_BATCH_WRITES = 1000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** What a write weighs in the queue when its body is shared with others. */
const SHARED_WEIGHT = 64;

export interface QueuedEntry extends WriteEntry {
  readonly payload: SizedPayload;
}

/** One write on its way: validated by its maker, encoded when there is room, settled exactly once. */
export interface Draft {
  readonly timeline: string;
  readonly expectedLast?: bigint | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Resolves when `encode` may be called; absent: at once. */
  readonly ready?: Promise<unknown> | undefined;
  /** Throws a `TimelineError` for a message that cannot be stored. */
  encode(): readonly QueuedEntry[];
  settle(outcome: WriteOutcome): void;
}

interface Ticket {
  readonly draft: Draft;
  readonly number: number;
  write: Write | undefined;
  bytes: number;
  sent: boolean;
  settled: boolean;
  forget: (() => void) | undefined;
}

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
  readonly #waiting: Ticket[] = [];
  /** In order of arrival; its first element is the oldest that `flush` may have to wait for. */
  readonly #unsettled = new Set<Ticket>();
  readonly #busy = new Set<string>();
  #flushes: { readonly through: number; readonly resolve: () => void }[] = [];
  #pending: Ticket[] = [];
  #submitted = 0;
  #admitted = 0;
  #admittedBytes = 0;
  #inFlight = 0;
  #scheduled = false;
  #draining = false;

  constructor(session: Session, limits: { readonly pendingWrites: number; readonly pendingBytes: number }) {
    this.#session = session;
    this.#maxWrites = limits.pendingWrites;
    this.#maxBytes = limits.pendingBytes;
  }

  submit(draft: Draft): void {
    const number = ++this.#submitted;
    const ticket: Ticket = { draft, number, write: undefined, bytes: 0, sent: false, settled: false, forget: undefined };
    const refused = this.#session.closing.aborted ? closedError() : draft.signal?.aborted ? abortError(draft.signal) : undefined;
    if (refused) {
      draft.settle({ ok: false, error: refused });
      return;
    }
    if (draft.signal) this.#listen(ticket, draft.signal);
    this.#unsettled.add(ticket);
    if (this.#waiting.length === 0 && !draft.ready && this.#hasRoom()) this.#admit(ticket);
    else {
      this.#waiting.push(ticket);
      void this.#drain();
    }
  }

  /** Resolves when everything submitted so far has settled. */
  flush(): Promise<void> {
    if (this.#unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ through: this.#submitted, resolve }));
  }

  #listen(ticket: Ticket, signal: AbortSignal): void {
    const stop = () => this.#settle(ticket, { ok: false, error: abortError(signal, ticket.sent ? 'unknown' : 'not-applied') });
    ticket.forget = onAbort(signal, stop);
  }

  #hasRoom(): boolean {
    return this.#admitted < this.#maxWrites && this.#admittedBytes < this.#maxBytes;
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#waiting.length > 0) {
      const ticket = this.#waiting[0] as Ticket;
      if (ticket.draft.ready && !ticket.settled) await ticket.draft.ready.catch(() => undefined);
      if (!ticket.settled && !this.#hasRoom()) break;
      this.#waiting.shift();
      if (!ticket.settled) this.#admit(ticket);
    }
    this.#draining = false;
  }

  #admit(ticket: Ticket): void {
    const { draft } = ticket;
    try {
      const entries = draft.encode();
      ticket.write = { timeline: draft.timeline, entries, expectedLast: draft.expectedLast };
      for (const { payload } of entries) ticket.bytes += payload.shared ? SHARED_WEIGHT : payload.size;
    } catch (error) {
      this.#settle(ticket, { ok: false, error: error as TimelineError });
      return;
    }
    this.#admitted++;
    this.#admittedBytes += ticket.bytes;
    this.#pending.push(ticket);
    this.#schedule();
  }

  /** The next tick comes when the microtasks of this turn have run, so that every append of the turn is in the batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      while (this.#inFlight < (this.#session.library.maxInFlight ?? 1)) {
        const batch = this.#takeBatch();
        if (batch.length === 0) return;
        void this.#send(batch);
      }
    });
  }

  #takeBatch(): Ticket[] {
    const batch: Ticket[] = [];
    const left: Ticket[] = [];
    let bytes = 0;
    for (const ticket of this.#pending) {
      if (ticket.settled) this.#release(ticket);
      else if (batch.length >= MAX_BATCH_WRITES || bytes >= MAX_BATCH_BYTES || this.#busy.has(ticket.draft.timeline))
        left.push(ticket);
      else {
        batch.push(ticket);
        bytes += ticket.bytes;
      }
    }
    this.#pending = left;
    return batch;
  }

  async #send(batch: readonly Ticket[]): Promise<void> {
    const exclusive = (this.#session.library.maxInFlight ?? 1) > 1;
    this.#inFlight++;
    for (const ticket of batch) {
      ticket.sent = true;
      if (exclusive) this.#busy.add(ticket.draft.timeline);
    }
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt++) {
      const outcomes = await this.#attempt(left);
      const again: Ticket[] = [];
      left.forEach((ticket, i) => {
        const outcome = complete(ticket, outcomes[i]);
        if (!outcome.ok && attempt < this.#session.retry.attempts && mayRepeat(ticket, outcome.error)) again.push(ticket);
        else this.#settle(ticket, outcome.ok ? outcome : { ok: false, error: asUnknown(outcome.error) });
      });
      left = again;
      if (left.length > 0) await this.#session.retry.pause(attempt);
    }
    this.#inFlight--;
    for (const ticket of batch) {
      if (exclusive) this.#busy.delete(ticket.draft.timeline);
      this.#release(ticket);
    }
    void this.#drain();
    this.#schedule();
  }

  async #attempt(tickets: readonly Ticket[]): Promise<readonly WriteOutcome[]> {
    try {
      return await normalized(() => this.#session.library.append(tickets.map((ticket) => ticket.write as Write)), 'unknown');
    } catch (error) {
      return tickets.map(() => ({ ok: false, error: error as TimelineError }));
    }
  }

  #release(ticket: Ticket): void {
    this.#admitted--;
    this.#admittedBytes -= ticket.bytes;
  }

  #settle(ticket: Ticket, outcome: WriteOutcome): void {
    if (ticket.settled) return;
    ticket.settled = true;
    ticket.forget?.();
    this.#unsettled.delete(ticket);
    ticket.draft.settle(outcome);
    if (this.#flushes.length > 0) this.#resolveFlushes();
  }

  #resolveFlushes(): void {
    const oldest = this.#unsettled.values().next().value?.number ?? Number.POSITIVE_INFINITY;
    const due = this.#flushes.filter(({ through }) => through < oldest);
    this.#flushes = this.#flushes.filter(({ through }) => through >= oldest);
    for (const { resolve } of due) resolve();
  }
}

/** A key lets the store tell a repetition from a new message; without one only what surely failed may be repeated. */
function mayRepeat(ticket: Ticket, error: TimelineError): boolean {
  if (ticket.settled) return false;
  if (error.outcome === 'not-applied') return error.retryable;
  return error.outcome === 'unknown' && ticket.write?.entries.every((entry) => entry.key !== undefined) === true;
}

function asUnknown(error: TimelineError): TimelineError {
  if (error.outcome !== 'unknown' || error.code === 'TIMELINE_OUTCOME_UNKNOWN') return error;
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', `the store may or may not have taken the write: ${error.message}`, {
    cause: error,
    outcome: 'unknown',
  });
}

/** An adapter that answers for less than it was asked leaves the rest unknown. */
function complete({ write }: Ticket, outcome: WriteOutcome | undefined): WriteOutcome {
  if (outcome && (!outcome.ok || outcome.entries.length === write?.entries.length)) return outcome;
  const message = 'the adapter gave no outcome for the write';
  return { ok: false, error: new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome: 'unknown' }) };
}
