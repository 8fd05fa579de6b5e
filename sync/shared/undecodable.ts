/** Replaces the message of an entry that does not decode. */
const UNDECODABLE = Object.freeze({ kind: 'undecodable' });

/**
 * Read options for the store library: an entry that does not decode keeps its place, with a message of no known kind,
 * and fails no read.
 */
export const lenient = { onUndecodable: () => UNDECODABLE as never } as const;

export function isUndecodable(message: unknown): boolean {
  return message === UNDECODABLE;
}
