/** Stands for the message of an entry that does not decode. */
const UNDECODABLE = Object.freeze({ kind: 'undecodable' });

/**
 * For reads of the store library: an entry that does not decode stays at its place, with a message that is of no kind
 * that there is, and stops nobody.
 */
export const lenient = { onUndecodable: () => UNDECODABLE as never } as const;

export function isUndecodable(message: unknown): boolean {
  return message === UNDECODABLE;
}
