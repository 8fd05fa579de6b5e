import { membershipsOf } from '../members/memberships.js';
import { readFrom } from '../members/visibility.js';
import { currentModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import type { Membership } from '../types.js';
import { type ConversationPosition, isFollowed, positionAfter } from './conversation-position.js';
import type { StreamPosition } from './stream-page.js';

/** A look takes the modes of all listed conversations: too many for every poll of an idle subscription. */
const POLLS_PER_LOOK = 10;

export interface FoundConversations {
  /** Where to follow each conversation from, once the inbox has been read to its end. */
  readonly found: Map<string, ConversationPosition>;
  /** No mode was changing: no marker is on its way to inboxes. */
  readonly isSettled: boolean;
  /** Of the conversations that were looked up, those that are in read mode, or may have been. */
  readonly everInReadMode: readonly string[];
}

/**
 * Finds conversations in read mode to which no marker in the inbox leads: their members were added by a directory that
 * keeps no memberships, or the device has no position and the markers may have expired.
 */
export class UnmarkedConversations<M> {
  /** `true` if each join in read mode puts a marker into the inbox. */
  readonly areJoinsMarked: boolean;
  readonly #context: Context<M>;
  readonly #user: string;
  /** Conversations last seen in write mode, with the `joinedAt` of the membership for which the mode was looked up. */
  #inWriteMode = new Map<string, bigint>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(context: Context<M>, user: string) {
    this.#context = context;
    this.#user = user;
    const { apply, isMember } = context.directory;
    this.areJoinsMarked = apply !== undefined && isMember !== undefined;
  }

  /** Call it before reading the inbox: its end then holds all entries from before the marker. */
  async find(
    memberships: readonly Membership[],
    { inbox, conversations }: StreamPosition,
  ): Promise<FoundConversations> {
    // A read from the oldest entry kept does not show which markers have expired: look all modes up.
    const isTrusted = inbox !== undefined && !this.areJoinsMarked;
    const inWriteMode = isTrusted ? this.#stillListed(memberships) : new Map<string, bigint>();
    const unknown = memberships.filter(({ conversation, joinedAt }) => {
      const position = conversations.get(conversation);
      if (position && isFollowed(position)) return false;
      // Markers of this membership decide. Or the user has left, and the directory does not know yet.
      if (position && joinedAt > 0n && position.deliveredThrough >= joinedAt) return false;
      return inWriteMode.get(conversation) !== joinedAt;
    });
    const found = new Map<string, ConversationPosition>();
    let isSettled = true;
    if (unknown.length === 0) return { found, isSettled, everInReadMode: [] };
    const names = unknown.map(({ conversation }) => conversation);
    const modes = await currentModes(this.#context, names);
    for (const [i, { conversation, joinedAt, from }] of unknown.entries()) {
      const mode = modes[i];
      if (mode?.isDone === false) isSettled = false;
      if (!mode?.isDone) continue;
      if (mode.mode === 'read') {
        const [start, memberSince] =
          joinedAt > mode.since ? [readFrom(this.#context, from, joinedAt), joinedAt] : [mode.since, mode.since];
        const known = conversations.get(conversation)?.deliveredThrough ?? 0n;
        const deliveredThrough = start > known ? start : known;
        const at = { epoch: tagOf(mode.epoch), seqId: deliveredThrough };
        found.set(conversation, positionAfter({ deliveredThrough, memberSince }, at));
      } else if (isTrusted) inWriteMode.set(conversation, joinedAt);
    }
    if (found.size > 0) await this.#dropLeft(unknown, found);
    const everInReadMode = names.filter((_, i) => modes[i]?.mode === 'read' || (modes[i]?.since ?? 0n) > 0n);
    return { found, isSettled, everInReadMode };
  }

  #stillListed(memberships: readonly Membership[]): Map<string, bigint> {
    // A user who was not listed while a mode changed got no marker, and is listed again: nothing tells of that.
    const isOld = performance.now() - this.#lookedAt >= POLLS_PER_LOOK * this.#context.pollMs;
    const known = isOld ? new Map<string, bigint>() : this.#inWriteMode;
    if (isOld) this.#lookedAt = performance.now();
    this.#inWriteMode = new Map();
    for (const { conversation } of memberships) {
      const joinedAt = known.get(conversation);
      if (joinedAt !== undefined) this.#inWriteMode.set(conversation, joinedAt);
    }
    return this.#inWriteMode;
  }

  /** The directory now knows of any leave before the marker. */
  async #dropLeft(looked: readonly Membership[], found: Map<string, ConversationPosition>): Promise<void> {
    const current = await membershipsOf(this.#context.directory, this.#user);
    const joins = new Map(current.map(({ conversation, joinedAt }) => [conversation, joinedAt]));
    for (const { conversation, joinedAt } of looked)
      if (joins.get(conversation) !== joinedAt) found.delete(conversation);
  }
}
