/**
 * Orders two strings by their UTF-8 bytes, as `AdapterLibrary.timelines` must. JavaScript's own order differs: it
 * compares UTF-16 units, so that `'\u{10000}'` comes before `'\uffff'`.
 *
 * @example
 * timelines.sort(compareUtf8);
 */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** True if both hold the same bytes, whatever subclass of `Uint8Array` each is. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
