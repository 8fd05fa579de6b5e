/** Users whose buckets are kept. A bucket that is full again is as good as none. */
const MAX_BUCKETS = 10_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** A token bucket for each user: `perSecond` calls a second, and as many at once, at least one. */
export class RateLimit {
  readonly #perMs: number;
  readonly #size: number;
  readonly #now: () => number;
  /** The one used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now` returns milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000;
    this.#size = Math.max(1, perSecond);
    this.#now = now;
  }

  /** The number of users that are known. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token. Returns 0, or the milliseconds until there will be one. */
  take(user: string): number {
    const now = this.#now();
    const bucket = this.#buckets.get(user) ?? { tokens: this.#size, filledAt: now };
    this.#buckets.delete(user);
    this.#buckets.set(user, bucket);
    bucket.tokens = Math.min(this.#size, bucket.tokens + (now - bucket.filledAt) * this.#perMs);
    bucket.filledAt = now;
    this.#forget();
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#perMs);
    bucket.tokens -= 1;
    return 0;
  }

  #forget(): void {
    for (const user of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BUCKETS) return;
      this.#buckets.delete(user);
    }
  }
}
