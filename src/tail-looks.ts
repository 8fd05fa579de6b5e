import type { AdapterHead, Position, Range, Slice } from './adapter.js';
import { isTimelineError } from './errors.js';
import type { Operation } from './operation.js';
import type { Session } from './session.js';
import type { Tail } from './tail.js';

/** Timelines of one call: a store in this process answers them within one turn of the event loop. */
const TIMELINES_PER_CALL = 250;
/** Entries that one look reads of one Timeline. */
const ENTRIES_PER_LOOK = 500;
/** Longest pause between attempts to reach an unavailable store. */
const MAX_OUTAGE_PAUSE_MS = 2000;

interface Look<M> {
  readonly tail: Tail<M>;
  readonly after: Position;
  /** A hint told that there may be more. */
  readonly isTold: boolean;
}

/** Reads what is new behind tails: for one tail by one read; for many, the heads first, and then what has moved. */
export class TailLooks<M> {
  readonly #session: Session;
  readonly #onMissedHint: () => void;
  readonly #postponed = new Set<Tail<M>>();
  #due = new Set<Tail<M>>();
  #isScheduled = false;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  /** `onMissedHint`: a look has found entries of which no hint had told. */
  constructor(session: Session, onMissedHint: () => void) {
    this.#session = session;
    this.#onMissedHint = onMissedHint;
  }

  /** Looks once for all requests of this turn; again afterwards for a tail that has become stale meanwhile. */
  request(tail: Tail<M>): void {
    if (tail.isLooking) return;
    tail.isLooking = true;
    this.#due.add(tail);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const tails = [...this.#due];
      this.#due = new Set();
      void this.#lookAt(tails);
    });
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#postponed.clear();
  }

  async #lookAt(tails: readonly Tail<M>[]): Promise<void> {
    for (let start = 0; start < tails.length; start += TIMELINES_PER_CALL) {
      if (start > 0) await new Promise((resolve) => setImmediate(resolve));
      const looks: Look<M>[] = [];
      for (const tail of tails.slice(start, start + TIMELINES_PER_CALL)) {
        if (tail.position) looks.push({ tail, after: tail.position, isTold: tail.isStale });
        else tail.end();
        tail.begin();
      }
      if (looks.length > 0) await this.#lookTogether(looks);
    }
  }

  async #lookTogether(looks: readonly Look<M>[]): Promise<void> {
    try {
      const moved = looks.length === 1 ? looks : await this.#moved(looks);
      // A store whose reads may wait for an entry to settle is asked for each Timeline alone.
      const isStrict = this.#session.capabilities.visibility === 'strict';
      if (!isStrict && moved.length > 1) await Promise.all(moved.map((look) => this.#lookTogether([look])));
      else await this.#read(moved);
      this.#failures = 0;
    } catch (error) {
      this.#handle(looks, error);
    }
  }

  /** Ends the looks at tails that have not moved, and returns the others. */
  async #moved(looks: readonly Look<M>[]): Promise<Look<M>[]> {
    const timelines = looks.map(({ tail }) => tail.ref.encoded);
    const heads = await this.#session.readHeads(timelines, undefined, { name: 'heads' });
    return looks.filter((look, i) => {
      const { epoch, lastSeqId } = heads[i] as AdapterHead;
      const hasMoved = epoch !== look.after.epoch || lastSeqId !== look.after.seqId;
      if (!hasMoved) this.#end(look);
      return hasMoved;
    });
  }

  async #read(looks: readonly Look<M>[]): Promise<void> {
    if (looks.length === 0) return;
    const ranges = looks.map(
      ({ tail, after }): Range => ({
        timeline: tail.ref.encoded,
        after: after.seqId,
        limit: ENTRIES_PER_LOOK,
        reverse: false,
      }),
    );
    const operation: Operation =
      looks.length === 1 ? { name: 'read of', timeline: ranges[0]!.timeline } : { name: 'read' };
    const slices = await this.#session.readRanges(ranges, undefined, operation);
    looks.forEach((look, i) => {
      this.#apply(look, slices[i] as Slice);
    });
  }

  #apply(look: Look<M>, slice: Slice): void {
    const { tail, after, isTold } = look;
    if (!isTold && !tail.isStale && slice.rows.length > 0 && tail.position === after) this.#onMissedHint();
    try {
      tail.apply(after, slice);
    } catch (error) {
      tail.fail(error);
    }
    this.#end(look);
  }

  #end({ tail }: Look<M>): void {
    tail.lookedAt = performance.now();
    tail.end();
    if (tail.isStale && tail.hasWaiting) this.request(tail);
  }

  /** A look that failed for all is tried for each alone: the reason may be one of them. */
  #handle(all: readonly Look<M>[], error: unknown): void {
    const looks = all.filter(({ tail }) => tail.isLooking);
    if (isTimelineError(error) && error.retryable) {
      this.#postpone(looks.map(({ tail }) => tail));
      if (++this.#failures > 1) return;
      const message = `subscriptions wait for their store: ${error.message}`;
      this.#session.warn({ code: 'subscription-waits', message });
    } else if (looks.length > 1) {
      for (const look of looks) void this.#lookTogether([look]);
    } else {
      for (const { tail } of looks) {
        tail.fail(error);
        tail.end();
      }
    }
  }

  #postpone(tails: readonly Tail<M>[]): void {
    for (const tail of tails) {
      tail.postpone();
      tail.end();
      this.#postponed.add(tail);
    }
    const ms = Math.min(MAX_OUTAGE_PAUSE_MS, this.#session.pollMs * 2 ** (this.#failures + 1));
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const tail of this.#postponed) if (tail.hasWaiting) this.request(tail);
      this.#postponed.clear();
    }, ms);
  }
}
