import { type BatchOutcome, isTimelineError, type TimelineError, type TimelineStore } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import { chunks } from '../shared/listing.js';
import type { Synced } from '../types.js';

/** One entry on its way to inboxes. */
export interface InboxCopy<M> {
  /** SeqId of the entry in the conversation. */
  readonly seqId: bigint;
  readonly key: string;
  readonly message: Synced<M>;
}

/** The recipients of one entry so far. It grows while inboxes that were out of reach get their copies. */
export interface DeliveryReport {
  recipients: number;
  readonly refused: { readonly user: string; readonly error: TimelineError }[];
}

export interface QueuedCopy<M> {
  readonly copy: InboxCopy<M>;
  readonly report: DeliveryReport;
}

/** The copies that wait for inboxes out of reach, in order for each inbox. */
export class Backlog<M> {
  readonly #queues = new Map<string, QueuedCopy<M>[]>();
  #size = 0;

  /** Copies, over all inboxes. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  /** `true` if the inbox lacks a copy: later ones have to queue behind it. */
  isBehind(user: string): boolean {
    return this.#queues.has(user);
  }

  /** SeqId of the first entry that some inbox lacks. */
  get firstMissing(): bigint | undefined {
    let first: bigint | undefined;
    for (const [queued] of this.#queues.values()) {
      if (queued && (first === undefined || queued.copy.seqId < first)) first = queued.copy.seqId;
    }
    return first;
  }

  add(user: string, queued: QueuedCopy<M>): void {
    const queue = this.#queues.get(user) ?? [];
    this.#queues.set(user, queue);
    if (queue.some(({ copy }) => copy.key === queued.copy.key)) return;
    queue.push(queued);
    this.#size++;
  }

  /** The next copy of each inbox. */
  heads(): (QueuedCopy<M> & { readonly user: string })[] {
    return [...this.#queues].map(([user, queue]) => ({ user, ...(queue[0] as QueuedCopy<M>) }));
  }

  removeHead(user: string): void {
    const queue = this.#queues.get(user) as QueuedCopy<M>[];
    queue.shift();
    this.#size--;
    if (queue.length === 0) this.#queues.delete(user);
  }
}

/** Inboxes written in one call, and calls at once for one entry. */
const INBOXES_PER_CALL = 500;
const MAX_CALLS = 4;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5000;
/** Copies that may queue for unreachable inboxes before the conversation waits for them. */
const MAX_BACKLOG = 10_000;

/**
 * Writes one conversation's entries to inboxes. Copies for an inbox out of reach queue up in order, and delay no other
 * inbox.
 */
export class InboxWriter<M> {
  readonly #sync: TimelineStore<Synced<M>>;
  readonly #closing: AbortSignal;
  readonly #onProgress: () => void;
  readonly #backlog = new Backlog<M>();
  #retrying: Promise<void> | undefined;

  /** `onProgress` is called when copies leave the backlog. */
  constructor(sync: TimelineStore<Synced<M>>, closing: AbortSignal, onProgress: () => void) {
    this.#sync = sync;
    this.#closing = closing;
    this.#onProgress = onProgress;
  }

  /** SeqId of the first entry that some inbox lacks. */
  get firstMissing(): bigint | undefined {
    return this.#backlog.firstMissing;
  }

  /** Resolves once every inbox holds the copy, has it queued, or refuses it. */
  async write(copy: InboxCopy<M>, recipients: AsyncIterable<string>): Promise<DeliveryReport> {
    const report: DeliveryReport = { recipients: 0, refused: [] };
    const calls = new Set<Promise<void>>();
    for await (const users of chunks(recipients, INBOXES_PER_CALL)) {
      const call = this.#writeTo(users, { copy, report });
      calls.add(call);
      call.then(() => calls.delete(call)).catch(() => undefined);
      if (calls.size >= MAX_CALLS) await Promise.race(calls);
    }
    await Promise.all(calls);
    while (this.#backlog.size > MAX_BACKLOG && !this.#closing.aborted) await this.#retryBacklog();
    return report;
  }

  /** Resolves once every inbox holds all its copies, or closing begins. */
  async drained(): Promise<void> {
    while (!this.#backlog.isEmpty && !this.#closing.aborted) await this.#retryBacklog();
  }

  async #writeTo(users: readonly string[], queued: QueuedCopy<M>): Promise<void> {
    const { copy, report } = queued;
    const reachable = users.filter((user) => {
      if (!this.#backlog.isBehind(user)) return true;
      this.#backlog.add(user, queued);
      return false;
    });
    const outcomes = reachable.length === 0 ? [] : await this.#append(reachable, copy);
    outcomes.forEach((outcome, i) => {
      const user = reachable[i] as string;
      const error = failureOf(outcome);
      if (!error) report.recipients++;
      else if (isTransient(error)) {
        this.#backlog.add(user, queued);
        void this.#retryBacklog();
      } else report.refused.push({ user, error });
    });
  }

  async #append(users: readonly string[], { message, key }: InboxCopy<M>): Promise<BatchOutcome[]> {
    const outcomes = await this.#sync.appendToMany(users, message, { key });
    // A keyed body needs a fingerprint. Without one, inboxes refer to the conversation's body.
    const isBodyRefused = outcomes.every((outcome) => !outcome.ok && refusesBody(outcome.error));
    return isBodyRefused && 'body' in message
      ? this.#sync.appendToMany(users, withoutBody(message), { key })
      : outcomes;
  }

  #retryBacklog(): Promise<void> {
    this.#retrying ??= this.#retry().finally(() => {
      this.#retrying = undefined;
      this.#onProgress();
    });
    return this.#retrying;
  }

  /** Sends one copy per inbox and round: the next follows only a copy that is known to be there. */
  async #retry(): Promise<void> {
    let pauseMs = MIN_PAUSE_MS;
    while (!this.#backlog.isEmpty && !this.#closing.aborted) {
      await pause(pauseMs, { signal: this.#closing });
      const heads = this.#backlog.heads();
      const items = heads.map(({ user, copy }) => ({ timeline: user, message: copy.message, key: copy.key }));
      const outcomes = await this.#sync
        .appendBatch(items)
        .catch((error: TimelineError) => items.map(() => ({ ok: false as const, error })));
      let hasProgress = false;
      outcomes.forEach((outcome, i) => {
        const { user, report } = heads[i] as (typeof heads)[number];
        const error = failureOf(outcome);
        if (error && isTransient(error)) return;
        if (error) report.refused.push({ user, error });
        else report.recipients++;
        this.#backlog.removeHead(user);
        hasProgress = true;
      });
      pauseMs = hasProgress ? 0 : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs * 2));
      if (hasProgress) this.#onProgress();
    }
  }
}

/** A key conflict means that the copy is there: it was made before its target was edited. */
function failureOf(outcome: BatchOutcome): TimelineError | undefined {
  return outcome.ok || outcome.error.code === 'TIMELINE_KEY_CONFLICT' ? undefined : outcome.error;
}

function refusesBody({ code, argument }: TimelineError): boolean {
  return code === 'TIMELINE_INVALID_ARGUMENT' && argument === 'message';
}

function withoutBody<M>(message: Synced<M>): Synced<M> {
  return { ...message, body: undefined } as Synced<M>;
}

function isTransient(error: TimelineError): boolean {
  return !isTimelineError(error) || error.retryable || error.outcome === 'unknown' || error.code === 'TIMELINE_CLOSED';
}
