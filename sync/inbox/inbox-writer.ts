import { isTimelineError, type TimelineError } from '../../src/errors.js';
import type { BatchOutcome, TimelineStore } from '../../src/types.js';
import { chunks } from '../shared/listing.js';
import type { Synced } from '../types.js';

/** Recipients written in one call, and calls under way at once for one entry. */
const CHUNK = 500;
const IN_FLIGHT = 4;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5000;
/** Copies that may wait for unreachable inboxes before the conversation waits for them. */
const MAX_BACKLOG = 10_000;

interface Copy<M> {
  readonly seqId: bigint;
  readonly key: string;
  readonly message: Synced<M>;
}

/** What became of one entry's copies so far: grows while inboxes that could not be reached get theirs. */
export interface Tally {
  recipients: number;
  readonly refused: { readonly user: string; readonly error: TimelineError }[];
}

interface Late<M> {
  readonly copy: Copy<M>;
  readonly tally: Tally;
}

/**
 * The copies of one conversation's entries on their way to inboxes. An inbox that cannot be written gets what follows
 * only after what it missed, in order, and keeps nobody else waiting.
 */
export class Copies<M> {
  readonly #sync: TimelineStore<Synced<M>>;
  readonly #closing: AbortSignal;
  readonly #onHealed: () => void;
  readonly #lagging = new Map<string, Late<M>[]>();
  #backlog = 0;
  #healing: Promise<void> | undefined;

  constructor(sync: TimelineStore<Synced<M>>, closing: AbortSignal, onHealed: () => void) {
    this.#sync = sync;
    this.#closing = closing;
    this.#onHealed = onHealed;
  }

  /** The first entry that some inbox still lacks. */
  get missing(): bigint | undefined {
    let first: bigint | undefined;
    for (const [late] of this.#lagging.values()) {
      if (late && (first === undefined || late.copy.seqId < first)) first = late.copy.seqId;
    }
    return first;
  }

  /** Resolves once every inbox holds the copy, is known to lag behind, or refuses it. */
  async send(copy: Copy<M>, recipients: AsyncIterable<string>): Promise<Tally> {
    const tally: Tally = { recipients: 0, refused: [] };
    const underWay = new Set<Promise<void>>();
    for await (const users of chunks(recipients, CHUNK)) {
      const write = this.#write({ copy, tally }, users);
      underWay.add(write);
      write.then(() => underWay.delete(write)).catch(() => undefined);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    while (this.#backlog > MAX_BACKLOG && !this.#closing.aborted) await this.#heal();
    return tally;
  }

  /** Waits until every inbox holds all copies, or closing begins. */
  async settled(): Promise<void> {
    while (this.#lagging.size > 0 && !this.#closing.aborted) await this.#heal();
  }

  async #write(late: Late<M>, users: readonly string[]): Promise<void> {
    const { copy, tally } = late;
    const direct = users.filter((user) => {
      if (!this.#lagging.has(user)) return true;
      this.#wait(user, late);
      return false;
    });
    const outcomes = direct.length === 0 ? [] : await this.#append(direct, copy);
    outcomes.forEach((outcome, i) => {
      const user = direct[i] as string;
      const error = failureOf(outcome);
      if (!error) tally.recipients++;
      else if (mayHeal(error)) {
        this.#wait(user, late);
        void this.#heal();
      } else tally.refused.push({ user, error });
    });
  }

  /** A body that cannot be stored with a key, for lack of a fingerprint, is left to the conversation. */
  async #append(users: readonly string[], { message, key }: Copy<M>): Promise<BatchOutcome[]> {
    const outcomes = await this.#sync.appendToMany(users, message, { key });
    const isSpoiled = outcomes.every((outcome) => !outcome.ok && isBodyRefused(outcome.error));
    return isSpoiled && 'body' in message ? this.#sync.appendToMany(users, withoutBody(message), { key }) : outcomes;
  }

  #wait(user: string, late: Late<M>): void {
    const behind = this.#lagging.get(user) ?? [];
    this.#lagging.set(user, behind);
    if (behind.some(({ copy }) => copy.key === late.copy.key)) return;
    behind.push(late);
    this.#backlog++;
  }

  #heal(): Promise<void> {
    this.#healing ??= this.#retry().finally(() => {
      this.#healing = undefined;
      this.#onHealed();
    });
    return this.#healing;
  }

  /** One copy per inbox and round: the next follows only what is known to be there. */
  async #retry(): Promise<void> {
    let pauseMs = MIN_PAUSE_MS;
    while (this.#lagging.size > 0 && !this.#closing.aborted) {
      await pause(pauseMs, this.#closing);
      const heads = [...this.#lagging].map(([user, behind]) => ({ user, behind, ...(behind[0] as Late<M>) }));
      const items = heads.map(({ user, copy }) => ({ timeline: user, message: copy.message, key: copy.key }));
      const outcomes = await this.#sync
        .appendBatch(items)
        .catch((error: TimelineError) => items.map(() => ({ ok: false as const, error })));
      let moved = false;
      outcomes.forEach((outcome, i) => {
        const { user, behind, tally } = heads[i] as (typeof heads)[number];
        const error = failureOf(outcome);
        if (error && mayHeal(error)) return;
        if (error) tally.refused.push({ user, error });
        else tally.recipients++;
        behind.shift();
        this.#backlog--;
        moved = true;
        if (behind.length === 0) this.#lagging.delete(user);
      });
      pauseMs = moved ? 0 : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs * 2));
      if (moved) this.#onHealed();
    }
  }
}

/** A key that is taken by another body means that the copy is there: it was made before its target was edited. */
function failureOf(outcome: BatchOutcome): TimelineError | undefined {
  return outcome.ok || outcome.error.code === 'TIMELINE_KEY_CONFLICT' ? undefined : outcome.error;
}

function isBodyRefused({ code, argument }: TimelineError): boolean {
  return code === 'TIMELINE_INVALID_ARGUMENT' && argument === 'message';
}

function withoutBody<M>(message: Synced<M>): Synced<M> {
  return { ...message, body: undefined } as Synced<M>;
}

function mayHeal(error: TimelineError): boolean {
  return !isTimelineError(error) || error.retryable || error.outcome === 'unknown' || error.code === 'TIMELINE_CLOSED';
}

/** Ends early when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
