import type { Cursor, Page } from '../../src/index.js';
import { type TaggedPosition, tagOf } from '../shared/epochs.js';
import type { Stored } from '../types.js';
import {
  type ConversationPosition,
  comesFromInbox,
  isFollowed,
  positionAfter,
  setLast,
  withoutGone,
} from './conversation-position.js';
import { isEndedBy } from './lost-entries.js';
import type { Loss, PositionChange, StreamPosition } from './stream-page.js';

/** Advances the position of a stream, and records the changes and losses of one page. */
export class StreamProgress {
  readonly position: StreamPosition;
  changes: PositionChange[] = [];
  losses: Loss[] = [];
  /** This page starts to follow a conversation, and has read nothing of it. */
  startsFollowing = false;

  constructor(position: StreamPosition) {
    this.position = position;
  }

  beginPage(): void {
    this.changes = [];
    this.losses = [];
    this.startsFollowing = false;
  }

  positionIn(conversation: string): ConversationPosition | undefined {
    return this.position.conversations.get(conversation);
  }

  advance(conversation: string, position: ConversationPosition): void {
    setLast(this.position.conversations, conversation, position);
    this.changes.push({ conversation, position });
    this.position.isInboxLast = false;
  }

  advanceInbox(inbox: Cursor): void {
    this.position.inbox = inbox;
    this.changes.push({ inbox });
    this.position.isInboxLast = true;
  }

  complete(): void {
    this.position.isComplete = true;
    this.changes.push({ isComplete: true });
  }

  follow(conversation: string, position: ConversationPosition): void {
    const { goneBefore } = this.positionIn(conversation) ?? {};
    const isGone = goneBefore !== undefined && goneBefore > position.deliveredThrough;
    this.advance(conversation, isGone ? { ...position, goneBefore } : position);
    this.startsFollowing = true;
  }

  stopFollowing(conversation: string): void {
    const { epoch, deliveredThrough } = this.positionIn(conversation) as ConversationPosition;
    this.advance(conversation, { epoch, deliveredThrough, followedThrough: deliveredThrough });
  }

  /** Entries up to there were gone when the device began. */
  beginBehind(conversation: string, { epoch, seqId }: TaggedPosition): void {
    if (this.positionIn(conversation)) return;
    this.advance(conversation, { epoch, deliveredThrough: 0n, followedThrough: 0n, goneBefore: seqId });
  }

  /** The device gets a message of the conversation: it is told of what is missing behind it. */
  begin(conversation: string): void {
    const position = this.positionIn(conversation);
    if (position?.goneBefore === undefined) return;
    if (position.followedThrough === 0n) this.#end(conversation, position);
    else this.advance(conversation, withoutGone(position));
  }

  /**
   * Ends positions that nothing can come for any more: the conversation is not followed, and the inbox was read to its
   * end after all inboxes had what came up to the position.
   */
  endPassed(fanOutPositions: ReadonlyMap<string, bigint>): void {
    for (const [conversation, passed] of fanOutPositions) {
      const position = this.positionIn(conversation);
      if (position && mayEnd(position) && isPassed(position, passed)) this.#end(conversation, position);
    }
  }

  #end(conversation: string, position: ConversationPosition): void {
    this.position.conversations.delete(conversation);
    this.changes.push({ conversation, position: { ...withoutGone(position), isOver: true } });
  }

  applyReadMode(conversation: string, { epoch, seqId: at }: TaggedPosition, joinedFrom: bigint | undefined): void {
    const position = this.positionIn(conversation);
    const { deliveredThrough = 0n, followedThrough, hasLeft } = position ?? {};
    if (position && followedThrough === undefined) return;
    // A marker among entries that were passed as lost counts as never appended: a process that stood still wrote it.
    if (position?.mayComeLate && followedThrough !== undefined && followedThrough >= at) return;
    // The position is that of a later time: it comes from a resync, or the user has left since.
    if (followedThrough !== undefined && followedThrough >= at && (joinedFrom !== undefined || hasLeft)) return;
    const start = position && isFollowed(position) ? deliveredThrough : (joinedFrom ?? at);
    const through = start > deliveredThrough ? start : deliveredThrough;
    const followed = { deliveredThrough: through, memberSince: at };
    this.follow(conversation, positionAfter(followed, { epoch, seqId: through }));
  }

  /**
   * The conversation was in read mode `since` then. A member without a marker of that, who sees what comes after
   * `visible`, reads all of it now.
   */
  applyWriteMode(
    conversation: string,
    { epoch, seqId: at }: TaggedPosition,
    { since, visible }: { readonly since: bigint; readonly visible: bigint | undefined },
  ): void {
    const position = this.positionIn(conversation);
    if (position && position.followedThrough === undefined) {
      this.advance(conversation, { ...position, epoch, followedThrough: at });
    } else if (visible !== undefined && !(position && isFollowed(position))) {
      let start = since > visible ? since : visible;
      if (position && position.deliveredThrough > start) start = position.deliveredThrough;
      if (start < at)
        this.follow(conversation, { epoch, deliveredThrough: start, followedThrough: at, memberSince: at });
    }
  }

  /** Entries were gone before the inbox got them. A process that stood still may write their copies later. */
  skipInboxCopies(conversation: string, through: TaggedPosition): void {
    const position = this.positionIn(conversation);
    if (position && !comesFromInbox(position, through.seqId)) return;
    const skipped = { ...position, deliveredThrough: 0n, followedThrough: through.seqId, mayComeLate: true } as const;
    this.advance(conversation, positionAfter(skipped, through));
    this.#tell(conversation, through.seqId);
  }

  /** Passes entries of a followed conversation that are gone. `leftAt` is the user's leave if it may be among them. */
  passLost(conversation: string, { truncated, head }: Page<Stored<unknown>>, leftAt: bigint | undefined): void {
    const position = this.positionIn(conversation) as ConversationPosition;
    if (!truncated || !isFollowed(position) || truncated.through <= position.deliveredThrough) return;
    const isEnded = isEndedBy(position, truncated.through);
    const through = isEnded ? (position.followedThrough as bigint) : truncated.through;
    const hasLeft = !isEnded && leftAt !== undefined;
    const epoch = tagOf(head.epoch);
    const left = { epoch, deliveredThrough: through, followedThrough: through, hasLeft: true } as const;
    this.advance(conversation, hasLeft ? left : positionAfter(position, { epoch, seqId: through }));
    const lostThrough = hasLeft ? leftAt : through;
    if (lostThrough > (position.goneBefore ?? 0n)) this.#tell(conversation, lostThrough);
  }

  #tell(conversation: string, through: bigint): void {
    this.losses.push({ conversation, through, changeCount: this.changes.length });
  }
}

/** `true` for a position that matters only as long as earlier entries of the inbox may come. */
export function mayEnd(position: ConversationPosition): boolean {
  return !isFollowed(position) && !position.mayComeLate && !position.isOver;
}

function isPassed(position: ConversationPosition, fannedOut: bigint): boolean {
  const { deliveredThrough, followedThrough = 0n, goneBefore = 0n } = position;
  return [deliveredThrough, followedThrough, goneBefore].every((each) => fannedOut >= each);
}
