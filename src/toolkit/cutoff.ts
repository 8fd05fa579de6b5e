/**
 * The one rule of a TTL and of a key window: whatever was appended at or before the cutoff is too old, whatever was
 * appended later is not. An entry that expires in this millisecond is hidden in this millisecond.
 *
 * @param now `LibraryClock.expiryTime()`, in milliseconds since 1970.
 * @param maxAgeMs The TTL or the key window. `undefined`, `null` or `Infinity`: kept for ever.
 * @returns Milliseconds since 1970; `-Infinity` where everything is kept for ever.
 *
 * @example
 * const isHidden = row.appendedAt <= cutoff(clock.expiryTime(), ttlMs);
 */
export function cutoff(now: number, maxAgeMs: number | null | undefined): number {
  return now - (maxAgeMs ?? Number.POSITIVE_INFINITY);
}
