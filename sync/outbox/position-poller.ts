import { type Cursor, seqIdOf } from '../../src/index.js';
import type { FanOutPositions } from '../shared/fan-out-positions.js';

const MIN_DELAY_MS = 1;
const MAX_DELAY_MS = 3;
const GROWTH = 1.5;
/** Fan-out positions asked for in one call. */
const BATCH = 500;

interface Waiter {
  readonly conversation: string;
  readonly known: bigint;
  readonly resolve: (position: Cursor | undefined) => void;
}

/** Waits for fan-out positions that other processes move: one call asks for those of all conversations. */
export class PositionPoller<M> {
  readonly #positions: FanOutPositions<M>;
  readonly #waiters = new Set<Waiter>();
  #delayMs = MIN_DELAY_MS;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(positions: FanOutPositions<M>) {
    this.#positions = positions;
  }

  /** Resolves with the position once it is beyond `known`; with `undefined` after `ms`, or when interrupted. */
  movedBeyond(known: bigint, conversation: string, ms: number): Promise<Cursor | undefined> {
    return new Promise((resolve) => {
      const timeout = setTimeout(() => waiter.resolve(undefined), ms);
      const waiter: Waiter = {
        conversation,
        known,
        resolve: (position) => {
          clearTimeout(timeout);
          this.#waiters.delete(waiter);
          resolve(position);
        },
      };
      this.#waiters.add(waiter);
      this.#delayMs = MIN_DELAY_MS;
      this.#schedule();
    });
  }

  /** Ends the waits for one conversation, or all. */
  interrupt(conversation?: string): void {
    for (const waiter of [...this.#waiters]) {
      if (conversation === undefined || waiter.conversation === conversation) waiter.resolve(undefined);
    }
  }

  #schedule(): void {
    if (this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), this.#delayMs);
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * GROWTH);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const waiters = [...this.#waiters].slice(0, BATCH);
    try {
      const positions = await this.#positions.get(waiters.map(({ conversation }) => conversation));
      for (const [i, waiter] of waiters.entries()) {
        const position = positions[i];
        if (position !== undefined && seqIdOf(position) > waiter.known) waiter.resolve(position);
      }
    } catch {
      // The store is out of reach. Those who wait run out of time and meet the error themselves.
      this.#delayMs = MAX_DELAY_MS;
    } finally {
      this.#isAsking = false;
      if (this.#waiters.size > 0) this.#schedule();
    }
  }
}
