import type { Page, TimelineEntry } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import { lenient } from '../shared/undecodable.js';
import type { Membership, Stored, Synced } from '../types.js';
import {
  type ConversationPosition,
  comesFromInbox,
  followedOf,
  isFollowed,
  positionAfter,
} from './conversation-position.js';
import { type DeviceMessage, fromConversationEntry, fromInboxCopy, fromMembershipEvent } from './device-message.js';
import { goneAtBeginning } from './gone-at-beginning.js';
import { readInbox } from './inbox-page.js';
import { leavesAmongLost } from './lost-entries.js';
import { inboxShareOf, sharesOf } from './page-shares.js';
import type { StreamHeads } from './stream-heads.js';
import type { StreamMessage, StreamPage, StreamPosition } from './stream-page.js';
import { BEHIND } from './stream-page.js';
import { StreamProgress } from './stream-progress.js';
import { areTakenBack, holdPages, holdPositions } from './taken-back.js';
import type { UnmarkedConversations } from './unmarked-conversations.js';

interface LookUp {
  readonly unlisted: ReadonlySet<string>;
  readonly isFinal: boolean;
  /** Listed conversations that are in read mode, or may have been; `undefined` if no conversation ever was. */
  readonly everInReadMode?: readonly string[];
}

/**
 * The stream of one device: its inbox, merged with the conversations that it follows. Each conversation comes from one
 * of the two at a time. Markers in the inbox switch between them. An inbox entry waits until the device has read the
 * conversation up to it, so a conversation keeps its order.
 */
export class MergedStream<M> {
  readonly #progress: StreamProgress;
  readonly #context: Context<M>;
  readonly #user: string;
  readonly #unmarked: UnmarkedConversations<M>;
  /** Conversations to follow once the inbox has been read to its end. */
  #toFollow = new Map<string, ConversationPosition>();
  /** The SeqIds after which the user sees conversations, where memberships were looked up. */
  #visibleAfter: ReadonlyMap<string, bigint> = new Map();
  #messages: StreamMessage<M>[] = [];
  /** The device has no position: it starts with the oldest entry kept of each conversation. */
  #isNew: boolean;

  constructor(context: Context<M>, user: string, position: StreamPosition, unmarked: UnmarkedConversations<M>) {
    this.#context = context;
    this.#user = user;
    this.#progress = new StreamProgress(position);
    this.#unmarked = unmarked;
    this.#isNew = position.inbox === undefined;
  }

  get position(): StreamPosition {
    return this.#progress.position;
  }

  /** The conversations that are read from their own Timelines. */
  get followed(): string[] {
    return followedOf(this.position.conversations);
  }

  /** Reads the next page. `heads` has the heads of {@link followed}. */
  async next(limit: number, heads: StreamHeads): Promise<StreamPage<M>> {
    const { store } = this.#context;
    if (!holdPositions(this.position.conversations, heads.conversations)) return BEHIND;
    const { unlisted, isFinal, everInReadMode } = await this.#lookUp(heads);
    const shares = sharesOf(this.position.conversations, heads.conversations, unlisted, limit);
    const { chosen, unreadCount, limitEach } = shares;
    const names = chosen.map(({ conversation }) => conversation);
    const [inbox, pages] = await Promise.all([
      readInbox(this.#context, this.#user, this.position.inbox, limit),
      chosen.length === 0
        ? []
        : store.readBatch(
            chosen.map(({ conversation, after }) => ({ timeline: conversation, after, limit: limitEach })),
            lenient,
          ),
    ]);
    if (!inbox || inbox.truncated || !holdPages(this.position.conversations, names, pages)) return BEHIND;
    const [gone, leaves, isTakenBack, hasNewLife] = await Promise.all([
      this.#isNew ? goneAtBeginning(this.#context, this.#user, { everInReadMode, inbox }) : new Map(),
      leavesAmongLost(this.#context, this.#user, this.position, names, pages),
      areTakenBack(this.#context, this.position.conversations, inbox),
      this.#context.libraryLife.hasNewLife(this.#user, inbox.head.epoch),
    ]);
    if (isTakenBack || hasNewLife) return BEHIND;
    // From here on nothing waits and nothing fails: after a failure, the next page begins where this one would have.
    const progress = this.#progress;
    this.#messages = [];
    progress.beginPage();
    for (const [conversation, through] of gone) progress.beginBehind(conversation, through);
    this.#isNew = false;
    for (const conversation of unlisted) progress.stopFollowing(conversation);
    const isInboxDrained = this.#addInboxPage(inbox, inboxShareOf(limit, pages, this.position)) && inbox.upToDate;
    let upToDate = isInboxDrained && chosen.length === unreadCount;
    for (const [i, conversation] of names.entries()) {
      const page = pages[i] as Page<Stored<M>>;
      progress.passLost(conversation, page, leaves[i]);
      if (!this.#addConversationPage(conversation, page, limit)) upToDate = false;
    }
    if (isInboxDrained) {
      for (const [conversation, position] of this.#toFollow) progress.follow(conversation, position);
      if (isFinal) progress.complete();
      progress.endPassed(heads.fanOutPositions);
    }
    const { changes, losses, startsFollowing } = progress;
    return { messages: this.#messages, changes, losses, upToDate: upToDate && !startsFollowing, isBehind: false };
  }

  /**
   * Looks for conversations to follow that no marker leads to. `unlisted` are followed and not listed any more: a
   * directory without memberships reports a leave only so. A look that `isFinal` need not be repeated once the inbox
   * has been read to its end.
   */
  async #lookUp({ mayUseReadMode, memberships: read }: StreamHeads): Promise<LookUp> {
    const { areJoinsMarked } = this.#unmarked;
    this.#toFollow = new Map();
    if (!mayUseReadMode || (areJoinsMarked && this.position.isComplete)) return { unlisted: new Set(), isFinal: false };
    const { directory } = this.#context;
    const memberships: readonly Membership[] = read ?? (await membershipsOf(directory, this.#user));
    const { found, isSettled, everInReadMode } = await this.#unmarked.find(memberships, this.position);
    this.#toFollow = found;
    this.#visibleAfter = new Map(memberships.map(({ conversation, from }) => [conversation, from]));
    const unlisted = directory.apply ? [] : this.followed.filter((name) => !this.#visibleAfter.has(name));
    // A marker that expires before a first read leaves no trace: look again then.
    const isFinal = areJoinsMarked && isSettled && this.position.inbox !== undefined;
    return { unlisted: new Set(unlisted), isFinal, everInReadMode };
  }

  #add(message: DeviceMessage<M>, about: Partial<StreamMessage<M>>): void {
    const changeCount = this.#progress.changes.length;
    this.#messages.push({ isReference: false, isFromConversation: false, ...about, message, changeCount });
  }

  /** Returns `false` if it stopped at the page's share, or before an entry that has to wait for its conversation. */
  #addInboxPage(page: Page<Synced<M>>, share: number): boolean {
    for (const entry of page.entries) {
      if (this.#messages.length >= share) return false;
      if (!entry.deleted && this.#hasToWait(entry.message)) return false;
      this.#progress.advanceInbox(entry.cursor);
      if (!entry.deleted) this.#addInboxEntry(entry.message, entry.appendedAt);
    }
    if (page.entries.length === 0) {
      this.#progress.advanceInbox(page.next);
    }
    return true;
  }

  /** `true` while the device has not read the conversation up to this entry, and reads it from there. */
  #hasToWait({ kind, conversation, seqId }: Synced<M>): boolean {
    const position = this.position.conversations.get(conversation);
    if (kind === 'read' || kind === 'settings' || kind === 'receipt' || !position || !isFollowed(position))
      return false;
    return BigInt(seqId) > (position.followedThrough ?? position.deliveredThrough);
  }

  #addInboxEntry(copy: Synced<M>, appendedAt: number): void {
    const { kind, conversation } = copy;
    const seqId = BigInt(copy.seqId);
    if (kind === 'read' || kind === 'settings' || kind === 'receipt') {
      const fields = { conversation, seqId, entrySeqId: seqId, sender: this.#user, sentAt: appendedAt };
      if (kind === 'settings') this.#add({ ...fields, kind, settings: copy.settings }, {});
      else if (kind === 'read') this.#add({ ...fields, kind }, { readPosition: copy.position });
      else this.#add({ ...fields, kind, sender: copy.reader }, { readPosition: copy.position });
    } else if (kind === 'mode') {
      const from = copy.from === undefined ? undefined : BigInt(copy.from);
      this.#toFollow.delete(conversation);
      const at = { epoch: tagOf(copy.epoch), seqId };
      const visible = this.#visibleAfter.get(conversation);
      if (copy.mode === 'read') this.#progress.applyReadMode(conversation, at, from);
      else this.#progress.applyWriteMode(conversation, at, { since: from ?? seqId, visible });
    } else if (kind === 'truncated') {
      this.#progress.skipInboxCopies(conversation, { epoch: tagOf(copy.epoch), seqId });
    } else {
      const position = this.position.conversations.get(conversation);
      if (position && !comesFromInbox(position, seqId)) return;
      this.#progress.begin(conversation);
      if (!('users' in copy))
        this.#add(fromInboxCopy(copy, seqId), { isReference: kind !== 'recall' && copy.body === undefined });
      else if (this.#context.membershipEvents) this.#add(fromMembershipEvent(copy), {});
    }
  }

  /** Returns `false` if entries are left. */
  #addConversationPage(conversation: string, page: Page<Stored<M>>, limit: number): boolean {
    let position = this.position.conversations.get(conversation) as ConversationPosition;
    const { deliveredThrough: start, followedThrough } = position;
    const epoch = tagOf(page.head.epoch);
    let isRead = page.upToDate;
    for (const entry of page.entries) {
      if (!isFollowed(position)) return true;
      if (entry.seqId <= start) continue;
      if (followedThrough !== undefined && entry.seqId > followedThrough) {
        isRead = true;
        break;
      }
      if (this.#messages.length >= limit) return false;
      position = this.#endsMembership(entry, position)
        ? { epoch, deliveredThrough: entry.seqId, followedThrough: entry.seqId, hasLeft: true }
        : positionAfter(position, { epoch, seqId: entry.seqId });
      this.#progress.advance(conversation, position);
      const delivered = fromConversationEntry(conversation, entry, this.#context);
      if (delivered) this.#add(delivered, { isFromConversation: true });
    }
    // The last entries up to the marker may be gone.
    const end = position.followedThrough ?? 0n;
    if (isRead && position.deliveredThrough < end)
      this.#progress.advance(conversation, positionAfter(position, { epoch, seqId: end }));
    return isRead || !isFollowed(position);
  }

  /** The user's own leave. Without a directory that joins and leaves are told to, the list of members decides. */
  #endsMembership({ seqId, message }: TimelineEntry<Stored<M>>, { memberSince = 0n }: ConversationPosition): boolean {
    if (!this.#context.directory.apply || seqId < memberSince) return false;
    return message?.kind === 'leave' && message.users.includes(this.#user);
  }
}
