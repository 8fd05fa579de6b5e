import { type BatchOutcome, isTimelineError, type TimelineError, type TimelineStore } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { chunks } from '../shared/listing.js';
import type { Synced } from '../types.js';
import {
  Backlog,
  type BodyRemoval,
  type DeliveryReport,
  type InboxChange,
  type InboxCopy,
  type QueuedChange,
} from './backlog.js';
import { BodyRemover } from './body-remover.js';
import { withoutBody } from './inbox-entries.js';
import { LateCopies } from './late-copies.js';

/** Inboxes written in one call, and calls at once for one entry. */
const INBOXES_PER_CALL = 500;
const MAX_CALLS = 4;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5000;
/** Changes that may queue for unreachable inboxes before the conversation waits for them. */
const MAX_BACKLOG = 10_000;

/**
 * Writes one conversation's entries to inboxes, and removes bodies from them. Changes of an inbox out of reach queue up
 * in order, and delay no other inbox.
 */
export class InboxWriter<M> {
  readonly #sync: TimelineStore<Synced<M>>;
  readonly #remover: BodyRemover<M>;
  readonly #lateCopies: LateCopies<M>;
  readonly #closing: AbortSignal;
  readonly #onProgress: () => void;
  readonly #backlog = new Backlog<M>();
  #retrying: Promise<void> | undefined;

  /** `onProgress` is called when changes leave the backlog. */
  constructor(context: Context<M>, onProgress: () => void) {
    this.#sync = context.sync;
    this.#remover = new BodyRemover(context.sync);
    this.#lateCopies = new LateCopies(context);
    this.#closing = context.closing;
    this.#onProgress = onProgress;
  }

  /** SeqId of the first entry that some inbox lacks. */
  get firstMissing(): bigint | undefined {
    return this.#backlog.firstMissing;
  }

  /** Resolves once every inbox holds the copy, has it queued, or refuses it. Adds to `report`. */
  write(
    copy: InboxCopy<M>,
    recipients: AsyncIterable<string>,
    report: DeliveryReport = { recipients: 0, refused: [] },
  ): Promise<DeliveryReport> {
    return this.#change({ change: copy, report }, recipients);
  }

  /** Resolves once no inbox holds the body, except where the removal is queued, or refused. */
  removeBody(removal: BodyRemoval<M>, holders: AsyncIterable<string>): Promise<DeliveryReport> {
    return this.#change({ change: removal, report: { recipients: 0, refused: [] } }, holders);
  }

  /** Resolves once every inbox holds all its copies, or closing begins. */
  async drained(): Promise<void> {
    while (!this.#backlog.isEmpty && !this.#closing.aborted) await this.#retryBacklog();
  }

  async #change(queued: QueuedChange<M>, inboxes: AsyncIterable<string>): Promise<DeliveryReport> {
    const calls = new Set<Promise<void>>();
    for await (const users of chunks(inboxes, INBOXES_PER_CALL)) {
      const call = this.#changeSome(users, queued);
      calls.add(call);
      call.then(() => calls.delete(call)).catch(() => undefined);
      if (calls.size >= MAX_CALLS) await Promise.race(calls);
    }
    await Promise.all(calls);
    while (this.#backlog.size > MAX_BACKLOG && !this.#closing.aborted) await this.#retryBacklog();
    return queued.report;
  }

  async #changeSome(users: readonly string[], queued: QueuedChange<M>): Promise<void> {
    const { change } = queued;
    const reachable = users.filter((user) => {
      if (!this.#backlog.isBehind(user)) return true;
      this.#backlog.add(user, queued);
      return false;
    });
    if (reachable.length === 0) return;
    const errors = isRemoval(change)
      ? await this.#remover.remove(reachable, change.copied)
      : await this.#copy(reachable, change);
    for (const [i, user] of reachable.entries()) {
      if (record(queued, user, errors[i])) continue;
      this.#backlog.add(user, queued);
      void this.#retryBacklog();
    }
  }

  /** Returns the error of each inbox. */
  async #copy(users: readonly string[], copy: InboxCopy<M>): Promise<(TimelineError | undefined)[]> {
    const errors = (await this.#append(users, copy)).map(failureOf);
    return this.#removeOutdated(users, copy, errors);
  }

  /** Adds the errors of inboxes that may keep an outdated body: their copy has to be made again. */
  async #removeOutdated(
    users: readonly string[],
    copy: InboxCopy<M>,
    errors: readonly (TimelineError | undefined)[],
  ): Promise<(TimelineError | undefined)[]> {
    try {
      const copied = await this.#lateCopies.outdated(copy);
      if (!copied) return [...errors];
      const holders = users.filter((_, i) => !errors[i]);
      const failures = await this.#remover.remove(holders, copied);
      return users.map((user, i) => errors[i] ?? failures[holders.indexOf(user)]);
    } catch (error) {
      return errors.map((failure) => failure ?? (error as TimelineError));
    }
  }

  async #append(users: readonly string[], { message, key }: InboxCopy<M>): Promise<BatchOutcome[]> {
    const outcomes = await this.#sync.appendToMany(users, message, { key });
    // A keyed body needs a fingerprint. Without one, inboxes refer to the conversation's body.
    const isBodyRefused = outcomes.every((outcome) => !outcome.ok && refusesBody(outcome.error));
    return isBodyRefused && 'sender' in message && message.body !== undefined
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

  /** Makes one change per inbox and round: the next follows only a change that is known to be there. */
  async #retry(): Promise<void> {
    let pauseMs = MIN_PAUSE_MS;
    while (!this.#backlog.isEmpty && !this.#closing.aborted) {
      await pause(pauseMs, { signal: this.#closing });
      const heads = this.#backlog.heads();
      const errors = await this.#repeat(heads);
      let hasProgress = false;
      for (const head of heads) {
        if (!record(head, head.user, errors.get(head.user))) continue;
        this.#backlog.removeHead(head.user);
        hasProgress = true;
      }
      pauseMs = hasProgress ? 0 : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs * 2));
      if (hasProgress) this.#onProgress();
    }
  }

  /** Returns the error of each inbox whose change failed. */
  async #repeat(heads: readonly QueuedHead<M>[]): Promise<Map<string, TimelineError | undefined>> {
    const copies = heads.flatMap(({ user, change }) => (isRemoval(change) ? [] : [{ user, copy: change }]));
    const removals = new Map<BodyRemoval<M>, string[]>();
    for (const { user, change } of heads)
      if (isRemoval(change)) removals.set(change, [...(removals.get(change) ?? []), user]);
    const errors = new Map<string, TimelineError | undefined>();
    const items = copies.map(({ user, copy: { message, key } }) => ({ timeline: user, message, key }));
    const outcomes = await this.#sync
      .appendBatch(items)
      .catch((error: TimelineError) => items.map(() => ({ ok: false as const, error })));
    for (const [i, { user, copy }] of copies.entries()) {
      const failure = failureOf(outcomes[i] as BatchOutcome);
      const [error] = failure ? [failure] : await this.#removeOutdated([user], copy, [undefined]);
      errors.set(user, error);
    }
    for (const [{ copied }, users] of removals) {
      const failures = await this.#remover.remove(users, copied);
      for (const [i, user] of users.entries()) errors.set(user, failures[i]);
    }
    return errors;
  }
}

type QueuedHead<M> = QueuedChange<M> & { readonly user: string };

function isRemoval<M>(change: InboxChange<M>): change is BodyRemoval<M> {
  return 'copied' in change;
}

/** Adds an outcome to the report. Returns `false` if the change has to be made again. */
function record<M>({ change, report }: QueuedChange<M>, user: string, error: TimelineError | undefined): boolean {
  if (error && isTransient(error)) return false;
  if (error) report.refused.push({ user, error });
  else if (!isRemoval(change)) report.recipients++;
  return true;
}

/** A key conflict means that the copy is there: it was made before its target was edited. */
function failureOf(outcome: BatchOutcome): TimelineError | undefined {
  return outcome.ok || outcome.error.code === 'TIMELINE_KEY_CONFLICT' ? undefined : outcome.error;
}

function refusesBody({ code, argument }: TimelineError): boolean {
  return code === 'TIMELINE_INVALID_ARGUMENT' && argument === 'message';
}

function isTransient(error: TimelineError): boolean {
  return !isTimelineError(error) || error.retryable || error.outcome === 'unknown' || error.code === 'TIMELINE_CLOSED';
}
