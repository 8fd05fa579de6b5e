import type { TimelineError } from '../../src/errors.js';
import type { Tally } from '../inbox/inbox-writer.js';
import type { Delivery } from '../types.js';

/** Results kept for those who ask late. */
const RESULTS = 1000;

interface Waiter {
  readonly seqId: bigint;
  readonly resolve: (delivery: Delivery) => void;
  readonly reject: (error: TimelineError) => void;
}

/** Those who wait until every recipient of an entry has it. */
export class Waiters {
  #list: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  wait(seqId: bigint): Promise<Delivery> {
    return new Promise((resolve, reject) => this.#list.push({ seqId, resolve, reject }));
  }

  /** Answers those who wait for what stands up to here. */
  resolve(through: bigint, resultOf: (seqId: bigint) => Delivery): void {
    for (const { seqId, resolve } of this.#take((waiter) => waiter.seqId <= through)) resolve(resultOf(seqId));
  }

  /** Entries after `after`, up to `through`, will not come. */
  reject(after: bigint, through: bigint, error: TimelineError): void {
    for (const { reject } of this.#take(({ seqId }) => seqId > after && seqId <= through)) reject(error);
  }

  rejectAll(error: TimelineError): void {
    for (const { reject } of this.#list.splice(0)) reject(error);
  }

  #take(isTaken: (waiter: Waiter) => boolean): Waiter[] {
    const taken = this.#list.filter(isTaken);
    if (taken.length > 0) this.#list = this.#list.filter((waiter) => !isTaken(waiter));
    return taken;
  }
}

/** What became of the newest entries that this process has diffused. */
export class Results {
  readonly #tallies = new Map<bigint, Tally>();

  add(seqId: bigint, tally: Tally | undefined): void {
    if (tally) this.#tallies.set(seqId, tally);
    for (const old of this.#tallies.keys()) {
      if (this.#tallies.size <= RESULTS) break;
      this.#tallies.delete(old);
    }
  }

  of(seqId: bigint): Delivery {
    const { recipients, refused } = this.#tallies.get(seqId) ?? { recipients: 0, refused: [] };
    return { recipients, refused: [...refused] };
  }
}
