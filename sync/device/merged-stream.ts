import { type Cursor, isTimelineError, type Page, type TimelineEntry } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import { currentModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { lenient } from '../shared/undecodable.js';
import type { Membership, Stored, Synced } from '../types.js';
import { type ConversationPosition, isFollowed } from './conversation-position.js';
import { type DeviceMessage, fromConversationEntry, fromInboxCopy } from './device-message.js';
import type { PositionChange, StreamMessage, StreamPage } from './stream-page.js';

/** A position in the merged stream of one device. */
export interface StreamPosition {
  /** `undefined`: the oldest entry kept; 0n: before the first entry ever. */
  inbox: Cursor | bigint | undefined;
  readonly conversations: Map<string, ConversationPosition>;
}

interface UnreadConversation {
  readonly conversation: string;
  readonly after: bigint;
}

/**
 * The stream of one device: its inbox, merged with the conversations that it follows. Each conversation comes from one
 * of the two at a time. Markers in the one switch to the other, so that a conversation keeps its order: an inbox entry
 * waits until the device has read the conversation up to it.
 */
export class MergedStream<M> {
  readonly position: StreamPosition;
  readonly #context: Context<M>;
  readonly #user: string;
  /** Conversations last seen in write mode, with the `joinedAt` of the membership for which the mode was looked up. */
  readonly #inWriteMode: Map<string, bigint>;
  #messages: StreamMessage<M>[] = [];
  #changes: PositionChange[] = [];
  /** This page starts to follow a conversation, and has read nothing of it. */
  #startsFollowing = false;

  constructor(context: Context<M>, user: string, position: StreamPosition, inWriteMode: Map<string, bigint>) {
    this.#context = context;
    this.#user = user;
    this.position = position;
    this.#inWriteMode = inWriteMode;
  }

  /** The conversations that are read from their own Timelines. */
  get followed(): string[] {
    const { conversations } = this.position;
    return [...conversations].filter(([, position]) => isFollowed(position)).map(([conversation]) => conversation);
  }

  /**
   * Reads the next page. `heads` are the last SeqIds of {@link followed}; without `memberships`, it looks for no
   * conversations to follow.
   */
  async next(
    limit: number,
    memberships: readonly Membership[] | undefined,
    heads: ReadonlyMap<string, bigint>,
  ): Promise<StreamPage<M>> {
    const { store } = this.#context;
    const unfollowed = memberships && (await this.#findUnfollowed(memberships));
    const unread = this.#unread(heads, memberships);
    const chosen = unread.slice(0, limit);
    const limitEach = Math.max(1, Math.floor(limit / Math.max(1, chosen.length)));
    const [inbox, pages] = await Promise.all([
      this.#readInbox(limit),
      chosen.length === 0
        ? []
        : store.readBatch(
            chosen.map(({ conversation, after }) => ({ timeline: conversation, after, limit: limitEach })),
            lenient,
          ),
    ]);
    this.#messages = [];
    this.#changes = [];
    this.#startsFollowing = false;
    if (!inbox || inbox.truncated) return { messages: [], changes: [], upToDate: false, isBehind: true };
    const isInboxDrained = this.#addInboxPage(inbox) && inbox.upToDate;
    let upToDate = isInboxDrained && chosen.length === unread.length;
    for (const [i, { conversation }] of chosen.entries()) {
      if (!this.#addConversationPage(conversation, pages[i] as Page<Stored<M>>, limit)) upToDate = false;
    }
    if (isInboxDrained && unfollowed)
      for (const [conversation, position] of unfollowed) this.#follow(conversation, position);
    return {
      messages: this.#messages,
      changes: this.#changes,
      upToDate: upToDate && !this.#startsFollowing,
      isBehind: false,
    };
  }

  /** Returns `undefined` if the next entry does not decode: only the conversations can tell its content. */
  async #readInbox(limit: number): Promise<Page<Synced<M>> | undefined> {
    try {
      const inbox = this.#context.sync.timeline(this.#user);
      return await inbox.read({ after: this.position.inbox, limit, onUndecodable: 'throw' });
    } catch (error) {
      if (isTimelineError(error) && error.code === 'TIMELINE_DECODE') return undefined;
      throw error;
    }
  }

  #advance(conversation: string, position: ConversationPosition): void {
    this.position.conversations.set(conversation, position);
    this.#changes.push({ conversation, position });
  }

  /** Starts to read a conversation from its own Timeline, unless it is followed already. */
  #follow(conversation: string, position: ConversationPosition): void {
    if (this.position.conversations.get(conversation)?.followedSince !== undefined) return;
    this.#advance(conversation, position);
    this.#startsFollowing = true;
  }

  #add(message: DeviceMessage<M>, isReference: boolean): void {
    this.#messages.push({ message, isReference, changeCount: this.#changes.length });
  }

  /**
   * Finds conversations in read mode that this device does not follow yet. It looks the modes up before it reads the
   * inbox: once the inbox is drained, all entries from before the marker have been handed over.
   */
  async #findUnfollowed(memberships: readonly Membership[]): Promise<Map<string, ConversationPosition>> {
    const unknown = memberships.filter(({ conversation, joinedAt }) => {
      const position = this.position.conversations.get(conversation);
      if (position && isFollowed(position)) return false;
      // Markers of this membership decide. Or the user has left, and the directory does not know yet.
      if (position && joinedAt > 0n && position.deliveredThrough >= joinedAt) return false;
      return this.#inWriteMode.get(conversation) !== joinedAt;
    });
    const found = new Map<string, ConversationPosition>();
    if (unknown.length === 0) return found;
    const names = unknown.map(({ conversation }) => conversation);
    const modes = await currentModes(this.#context, names);
    for (const [i, { conversation, joinedAt, from }] of unknown.entries()) {
      const mode = modes[i];
      if (!mode?.isDone) continue;
      if (mode.mode === 'write') {
        // Without an inbox position, a marker that expires before the inbox is read leaves no trace: look again then.
        if (this.position.inbox !== undefined) this.#inWriteMode.set(conversation, joinedAt);
      } else {
        const start = joinedAt > mode.since ? from : mode.since;
        const through = this.position.conversations.get(conversation)?.deliveredThrough ?? 0n;
        found.set(conversation, { deliveredThrough: start > through ? start : through, followedSince: mode.since });
      }
    }
    // The directory now knows of any leave before the marker.
    const current = found.size === 0 ? [] : await membershipsOf(this.#context.directory, this.#user);
    const joins = new Map(current.map(({ conversation, joinedAt }) => [conversation, joinedAt]));
    for (const { conversation, joinedAt } of unknown)
      if (joins.get(conversation) !== joinedAt) found.delete(conversation);
    return found;
  }

  /** A directory without memberships reports a leave only by listing the conversation no more. */
  #unread(heads: ReadonlyMap<string, bigint>, memberships: readonly Membership[] | undefined): UnreadConversation[] {
    const listed =
      memberships && !this.#context.directory.apply && new Set(memberships.map(({ conversation }) => conversation));
    const unread: UnreadConversation[] = [];
    for (const [conversation, position] of this.position.conversations) {
      if (!isFollowed(position) || (listed && !listed.has(conversation))) continue;
      const after = position.deliveredThrough;
      if (after < (heads.get(conversation) ?? 0n)) unread.push({ conversation, after });
    }
    return unread;
  }

  /** Returns `false` if it stopped before an entry that has to wait for its conversation. */
  #addInboxPage(page: Page<Synced<M>>): boolean {
    for (const entry of page.entries) {
      if (!entry.deleted && this.#hasToWait(entry.message)) return false;
      this.position.inbox = entry.cursor;
      this.#changes.push({ inbox: entry.cursor });
      if (!entry.deleted) this.#addInboxEntry(entry.message, entry.appendedAt);
    }
    if (page.entries.length === 0) {
      this.position.inbox = page.next;
      this.#changes.push({ inbox: page.next });
    }
    return true;
  }

  /** `true` while the conversation is not read up to the entry with which the inbox takes over. */
  #hasToWait({ kind, conversation, seqId }: Synced<M>): boolean {
    const position = this.position.conversations.get(conversation);
    if (kind === 'read' || !position || !isFollowed(position)) return false;
    return BigInt(seqId) > (position.replayThrough ?? position.deliveredThrough);
  }

  #addInboxEntry(copy: Synced<M>, appendedAt: number): void {
    const { kind, conversation } = copy;
    const seqId = BigInt(copy.seqId);
    const position = this.position.conversations.get(conversation);
    if (kind === 'read') {
      this.#add({ kind, conversation, seqId, entrySeqId: seqId, sender: this.#user, sentAt: appendedAt }, false);
    } else if (kind === 'mode') {
      const isFollowing = position && isFollowed(position);
      // The device has read past this join: the marker belongs to a membership that it knows.
      if (copy.from !== undefined && position && !isFollowing && position.deliveredThrough >= seqId) return;
      const from = BigInt(copy.from ?? seqId);
      const keepsPosition = position && (isFollowing || position.deliveredThrough > from);
      const deliveredThrough = keepsPosition ? position.deliveredThrough : from;
      this.#follow(conversation, { deliveredThrough, followedSince: seqId });
    } else if (!position || seqId > (position.replayThrough ?? position.deliveredThrough)) {
      this.#add(fromInboxCopy(copy, seqId), kind !== 'recall' && copy.body === undefined);
    }
  }

  /** Returns `false` if entries are left. */
  #addConversationPage(conversation: string, page: Page<Stored<M>>, limit: number): boolean {
    let position = this.position.conversations.get(conversation) as ConversationPosition;
    const start = position.deliveredThrough;
    for (const entry of page.entries) {
      if (!isFollowed(position)) return true;
      if (entry.seqId <= start) continue;
      if (position.replayThrough !== undefined && entry.seqId > position.replayThrough) break;
      if (this.#messages.length >= limit) return false;
      position = this.#positionAfter(position, entry);
      this.#advance(conversation, position);
      const message = fromConversationEntry(conversation, entry);
      if (message) this.#add(message, false);
    }
    const { deliveredThrough, replayThrough } = position;
    if (page.upToDate && replayThrough !== undefined && deliveredThrough < replayThrough)
      this.#advance(conversation, { deliveredThrough: replayThrough });
    return page.upToDate || !isFollowed(position);
  }

  /** Markers, and the user's own leave, decide whether the next entry comes from here or from the inbox. */
  #positionAfter(
    { followedSince, replayThrough }: ConversationPosition,
    { seqId, message, deleted }: TimelineEntry<Stored<M>>,
  ): ConversationPosition {
    const byInbox = { deliveredThrough: seqId };
    const isOwnLeave = !deleted && message.kind === 'leave' && message.users.includes(this.#user);
    if (followedSince === undefined) {
      // The directory may not know of the leave yet. The inbox gets no later entries, so there is no more to replay.
      if (isOwnLeave && this.#context.directory.apply) return byInbox;
      return replayThrough !== undefined && seqId < replayThrough ? { ...byInbox, replayThrough } : byInbox;
    }
    if (deleted || seqId <= followedSince) return { ...byInbox, followedSince };
    if (message.kind === 'mode') return message.mode === 'read' ? { ...byInbox, followedSince: seqId } : byInbox;
    return isOwnLeave ? byInbox : { ...byInbox, followedSince };
  }
}
