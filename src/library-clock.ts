/**
 * Accepted time of one library, in whole milliseconds since 1970. It depends on no single clock, so a wrong clock
 * cannot corrupt or remove data. Call `follow` if the store has a clock; otherwise store the text of `exchange`.
 */
export interface LibraryClock {
  /**
   * Time for a new entry behind one of time `lastAt`: not earlier than that, unless `lastAt` comes from a wrong clock.
   */
  entryTime(lastAt?: number): number;
  /** Time to use for hiding, key windows and removal. */
  expiryTime(): number;
  /** True if only a wrong clock can have given this time: correct stored values that carry it. */
  isFuture(at: number): boolean;
  /** Latest time that `isFuture` accepts, for stores that compare on their side. */
  latestTime(): number;
  /** True if the caller's clock alone counts (`clockToleranceMs: Infinity`): do not ask the store for its time. */
  readonly trustsNow: boolean;
  /**
   * Takes the current time of the store's clock, which then replaces the caller's. Call at opening and every few
   * seconds.
   */
  follow(storeTime: number): void;
  /**
   * Merges the time stored with the library's data (`undefined` if there is none yet) and returns the text to store.
   * Write nothing if the result is unchanged or `undefined`, as with a trusted clock. Call at opening, before removing
   * anything, and with a write every 10 seconds, or every minute without writes.
   */
  exchange(kept: string | undefined): string | undefined;
}
