/** Users that are known. One who has not called for long enough is as good as unknown. */
const MAX_USERS = 10_000;

/** Lets each user make `perSecond` calls a second, and as many at once, at least one: a bucket of tokens. */
export class RateLimit {
  readonly #msPerToken: number;
  readonly #msOfBucket: number;
  readonly #now: () => number;
  /** Times at which the buckets are full again. The one used last comes last. */
  readonly #fullAt = new Map<string, number>();

  /** `now` returns milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#msPerToken = 1000 / perSecond;
    this.#msOfBucket = Math.max(1000, this.#msPerToken);
    this.#now = now;
  }

  /** The number of users that are known. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes a token. Returns 0, or the milliseconds until there will be one. */
  take(user: string): number {
    const now = this.#now();
    // Differences first: a rounded sum of times would refuse the only token of a bucket.
    const missingMs = Math.max(0, (this.#fullAt.get(user) ?? now) - now);
    const waitMs = missingMs + this.#msPerToken - this.#msOfBucket;
    this.#fullAt.delete(user);
    this.#fullAt.set(user, now + missingMs + (waitMs > 0 ? 0 : this.#msPerToken));
    this.#forget();
    return waitMs > 0 ? Math.ceil(waitMs) : 0;
  }

  /** Takes up to `most` tokens. Returns the number of those that there were. */
  takeUpTo(user: string, most: number): number {
    let taken = 0;
    while (taken < most && this.take(user) === 0) taken++;
    return taken;
  }

  #forget(): void {
    for (const user of this.#fullAt.keys()) {
      if (this.#fullAt.size <= MAX_USERS) return;
      this.#fullAt.delete(user);
    }
  }
}
