import type { TaggedPosition } from '../shared/epochs.js';

/** A device's position in a conversation whose entries it reads, or has read, from the conversation's own Timeline. */
export interface ConversationPosition {
  /** Tag of the conversation's epoch in which its SeqIds were read. */
  readonly epoch: number;
  /** Entries up to here were handed over, or are not for this device. */
  readonly deliveredThrough: bigint;
  /**
   * The last entry that comes from the conversation's own Timeline: later ones come from the inbox. Absent while the
   * device follows the conversation.
   */
  readonly followedThrough?: bigint;
  /** The user is a member since this entry: a leave before it ended an earlier membership. Absent once it is passed. */
  readonly memberSince?: bigint;
  /** The user left at `followedThrough`. */
  readonly hasLeft?: true;
  /**
   * Entries up to here were gone when the device began, and it has got nothing of the conversation: it is not told of
   * them.
   */
  readonly goneBefore?: bigint;
  /** Copies of entries up to here may still come to the inbox, from a process that stood still. */
  readonly mayComeLate?: true;
  /** Nothing of up to here can come any more: the position counts as absent. */
  readonly isOver?: true;
}

/** `true` if the next entry comes from the conversation's own Timeline, `false` if it comes from the inbox. */
export function isFollowed({ deliveredThrough, followedThrough }: ConversationPosition): boolean {
  return followedThrough === undefined || deliveredThrough < followedThrough;
}

/** Returns the conversations that are read from their own Timelines. */
export function followedOf(positions: ReadonlyMap<string, ConversationPosition>): string[] {
  return [...positions].flatMap(([conversation, position]) => (isFollowed(position) ? [conversation] : []));
}

/** `true` if the inbox's copy of the entry is for the device: it does not read the entry from the conversation. */
export function comesFromInbox(
  { deliveredThrough, followedThrough = deliveredThrough }: ConversationPosition,
  seqId: bigint,
): boolean {
  return seqId > deliveredThrough && seqId > followedThrough;
}

/** The position after the conversation's entries up to `seqId`, which were read in the epoch with the tag `epoch`. */
export function positionAfter(
  { memberSince = 0n, goneBefore = 0n, ...rest }: Omit<ConversationPosition, 'epoch'>,
  { seqId, epoch }: TaggedPosition,
): ConversationPosition {
  const position = { ...rest, epoch, deliveredThrough: seqId };
  return { ...position, ...(memberSince > seqId && { memberSince }), ...(goneBefore > seqId && { goneBefore }) };
}

export function withoutGone({ goneBefore: _, ...position }: ConversationPosition): ConversationPosition {
  return position;
}

/** The furthest SeqId of a position: the conversation has to hold it still. */
export function furthestOf(position: ConversationPosition): TaggedPosition {
  const { epoch, deliveredThrough, followedThrough = 0n, memberSince = 0n, goneBefore = 0n } = position;
  const seqId = [followedThrough, memberSince, goneBefore].reduce(
    (most, each) => (each > most ? each : most),
    deliveredThrough,
  );
  return { epoch, seqId };
}

/** Sets what changed last, behind all others. */
export function setLast<T>(positions: Map<string, T>, conversation: string, position: T): void {
  positions.delete(conversation);
  positions.set(conversation, position);
}

/** Names of conversations with their encoded positions, the one that changed last at the end. */
export type EncodedPositions = readonly (readonly [conversation: string, position: string])[];

export function encodePositions(positions: ReadonlyMap<string, ConversationPosition>): EncodedPositions {
  return [...positions].map(([name, position]) => [name, encodePosition(position)]);
}

export function decodePositions(encoded: EncodedPositions): (readonly [string, ConversationPosition])[] {
  return encoded.map(([name, position]) => [name, decodePosition(position)]);
}

/**
 * Encodes a position as three decimal numbers, with `-` for an absent one, the epoch in base 36, and words: `left`,
 * `late`, `over`, and `gone` with a number.
 */
export function encodePosition(position: ConversationPosition): string {
  const { epoch, deliveredThrough, followedThrough, memberSince, goneBefore } = position;
  const words = [deliveredThrough, followedThrough ?? '-', memberSince ?? '-', epoch.toString(36)];
  if (position.hasLeft) words.push('left');
  if (position.mayComeLate) words.push('late');
  if (position.isOver) words.push('over');
  if (goneBefore !== undefined) words.push(`gone${goneBefore}`);
  return words.join(' ');
}

export function decodePosition(text: string): ConversationPosition {
  const [deliveredThrough = '', followedThrough = '-', memberSince = '-', epoch = '0', ...words] = text.split(' ');
  if (deliveredThrough === '') throw new SyntaxError('a position without SeqId');
  const gone = words.find((word) => word.startsWith('gone'));
  return {
    epoch: Number.parseInt(epoch, 36),
    deliveredThrough: BigInt(deliveredThrough),
    ...(followedThrough !== '-' && { followedThrough: BigInt(followedThrough) }),
    ...(memberSince !== '-' && { memberSince: BigInt(memberSince) }),
    ...(words.includes('left') && { hasLeft: true }),
    ...(words.includes('late') && { mayComeLate: true }),
    ...(words.includes('over') && { isOver: true }),
    ...(gone !== undefined && { goneBefore: BigInt(gone.slice('gone'.length)) }),
  };
}
