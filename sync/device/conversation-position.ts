/** A device's position in a conversation whose entries it reads, or has read, from the conversation's own Timeline. */
export interface ConversationPosition {
  /** Entries up to here were handed over, or are not for this device. */
  readonly deliveredThrough: bigint;
  /** SeqId of the marker since which the device follows the conversation's own Timeline. */
  readonly followedSince?: bigint;
  /** After a resync: entries up to here come from the Timeline, later ones from the inbox. */
  readonly replayThrough?: bigint;
}

/** `true` if the next entry comes from the conversation's own Timeline, `false` if it comes from the inbox. */
export function isFollowed({ deliveredThrough, followedSince, replayThrough }: ConversationPosition): boolean {
  return followedSince !== undefined || (replayThrough !== undefined && deliveredThrough < replayThrough);
}

/** Returns the further of two positions; law Checkpoint. */
export function furtherPosition(a: ConversationPosition | undefined, b: ConversationPosition): ConversationPosition {
  if (!a || b.deliveredThrough > a.deliveredThrough) return b;
  if (b.deliveredThrough < a.deliveredThrough) return a;
  return position(a.deliveredThrough, b.followedSince ?? a.followedSince, b.replayThrough ?? a.replayThrough);
}

/** Encodes each position as three decimal numbers, with `-` for an absent one. */
export function encodePositions(positions: ReadonlyMap<string, ConversationPosition>): Record<string, string> {
  return Object.fromEntries(
    [...positions].map(([conversation, { deliveredThrough, followedSince, replayThrough }]) => [
      conversation,
      `${deliveredThrough} ${followedSince ?? '-'} ${replayThrough ?? '-'}`,
    ]),
  );
}

export function decodePositions(encoded: unknown): Map<string, ConversationPosition> {
  return new Map(
    Object.entries(encoded as Record<string, string>).map(([conversation, text]) => {
      const [deliveredThrough, followedSince, replayThrough] = text
        .split(' ')
        .map((part) => (part === '-' ? undefined : BigInt(part)));
      if (deliveredThrough === undefined) throw new SyntaxError('a position without SeqId');
      return [conversation, position(deliveredThrough, followedSince, replayThrough)];
    }),
  );
}

function position(
  deliveredThrough: bigint,
  followedSince: bigint | undefined,
  replayThrough: bigint | undefined,
): ConversationPosition {
  return {
    deliveredThrough,
    ...(followedSince !== undefined && { followedSince }),
    ...(replayThrough !== undefined && { replayThrough }),
  };
}
