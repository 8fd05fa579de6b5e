import { isTimelineError } from '../src/errors.js';
import type { Cursor, Page, TimelineEntry } from '../src/types.js';
import type { Context } from './context.js';
import { membershipsOf } from './memberships.js';
import { presentModes } from './modes.js';
import { isFollowed, type Place } from './places.js';
import { type Shown, shownCopy, shownEntry } from './shown.js';
import type { Membership, Stored, Synced } from './types.js';
import { lenient } from './undecodable.js';

/** What was found for a device, before its body is looked up and its cursor made. */
export interface Found<M> {
  readonly message: Shown<M>;
  /** The body is the conversation's. */
  readonly isReference: boolean;
  /** Steps of the batch that handing this over includes. */
  readonly steps: number;
}

/** A move of the position: in the inbox, or in one conversation. */
export type Step = { readonly inbox: Cursor } | { readonly conversation: string; readonly place: Place };

/** A position in one device's merged stream. */
export interface FeedPosition {
  /** `undefined`: the oldest entry kept; 0n: what comes after the beginning. */
  inbox: Cursor | bigint | undefined;
  readonly places: Map<string, Place>;
}

export interface Batch<M> {
  readonly found: readonly Found<M>[];
  readonly steps: readonly Step[];
  readonly upToDate: boolean;
  /** Entries of the inbox behind the position have expired or do not decode: nothing was read. */
  readonly isBehind: boolean;
}

/**
 * The one stream that a device sees: its inbox, merged with the conversations that are read from their own Timelines.
 * A conversation comes from one of the two at a time. Markers, which stand in whichever it comes from, change that, so each
 * conversation keeps its order; an inbox entry that is ahead of what is still to be read from the conversation waits.
 */
export class Feed<M> {
  readonly position: FeedPosition;
  readonly #context: Context<M>;
  readonly #user: string;
  /** Conversations in write diffusion when they were last looked up, with the join that this is known of. */
  readonly #byInbox: Map<string, bigint>;
  #found: Found<M>[] = [];
  #steps: Step[] = [];
  /** The batch has begun to follow a conversation, of which nothing has been read. */
  #hasOpened = false;

  constructor(context: Context<M>, user: string, position: FeedPosition, byInbox: Map<string, bigint>) {
    this.#context = context;
    this.#user = user;
    this.position = position;
    this.#byInbox = byInbox;
  }

  /** The conversations whose Timelines are to be watched besides the inbox. */
  get followed(): string[] {
    return [...this.position.places].filter(([, place]) => isFollowed(place)).map(([conversation]) => conversation);
  }

  /** Reads on; `heads` are the last SeqIds of {@link followed}, looked up by the caller. */
  async next(
    limit: number,
    memberships: readonly Membership[] | undefined,
    heads: ReadonlyMap<string, bigint>,
  ): Promise<Batch<M>> {
    const { store } = this.#context;
    const discovered = memberships && (await this.#discover(memberships));
    const moved = this.#moved(heads, memberships);
    const some = moved.slice(0, limit);
    const each = Math.max(1, Math.floor(limit / Math.max(1, some.length)));
    const [inbox, pages] = await Promise.all([
      this.#readInbox(limit),
      some.length === 0
        ? []
        : store.readBatch(
            some.map(({ conversation, at }) => ({ timeline: conversation, after: at, limit: each })),
            lenient,
          ),
    ]);
    this.#found = [];
    this.#steps = [];
    this.#hasOpened = false;
    if (!inbox || inbox.truncated) return { found: [], steps: [], upToDate: false, isBehind: true };
    const isDrained = this.#takeInbox(inbox) && inbox.upToDate;
    let upToDate = isDrained && some.length === moved.length;
    for (const [i, { conversation }] of some.entries()) {
      if (!this.#takeConversation(conversation, pages[i] as Page<Stored<M>>, limit)) upToDate = false;
    }
    if (isDrained && discovered) for (const [conversation, place] of discovered) this.#open(conversation, place);
    return { found: this.#found, steps: this.#steps, upToDate: upToDate && !this.#hasOpened, isBehind: false };
  }

  /** `undefined`: the next entry does not decode. What it says has to be found out from the conversations. */
  async #readInbox(limit: number): Promise<Page<Synced<M>> | undefined> {
    try {
      const inbox = this.#context.sync.timeline(this.#user);
      return await inbox.read({ after: this.position.inbox, limit, onUndecodable: 'throw' });
    } catch (error) {
      if (isTimelineError(error) && error.code === 'TIMELINE_DECODE') return undefined;
      throw error;
    }
  }

  #move(conversation: string, place: Place): void {
    this.position.places.set(conversation, place);
    this.#steps.push({ conversation, place });
  }

  /** Begins to read a conversation from its own Timeline, unless that has begun. */
  #open(conversation: string, place: Place): void {
    if (this.position.places.get(conversation)?.since !== undefined) return;
    this.#move(conversation, place);
    this.#hasOpened = true;
  }

  #find(message: Found<M>['message'], isReference: boolean): void {
    this.#found.push({ message, isReference, steps: this.#steps.length });
  }

  /**
   * Conversations that this device has not met yet and that are in read diffusion. The modes are looked up before the
   * inbox is read: once the inbox is drained, everything from before the marker has been handed over.
   */
  async #discover(memberships: readonly Membership[]): Promise<Map<string, Place>> {
    const unknown = memberships.filter(({ conversation, joinedAt }) => {
      const place = this.position.places.get(conversation);
      if (place && isFollowed(place)) return false;
      // Met in this stay already, so markers say how it goes on; or the user has left, which the directory has yet to hear.
      if (place && joinedAt > 0n && place.at >= joinedAt) return false;
      return this.#byInbox.get(conversation) !== joinedAt;
    });
    const found = new Map<string, Place>();
    if (unknown.length === 0) return found;
    const names = unknown.map(({ conversation }) => conversation);
    const modes = await presentModes(this.#context, names);
    for (const [i, { conversation, joinedAt, from }] of unknown.entries()) {
      const mode = modes[i];
      if (!mode?.isDone) continue;
      if (mode.mode === 'write') {
        // Without a position, a marker that expires before the inbox is read leaves no trace: look again then.
        if (this.position.inbox !== undefined) this.#byInbox.set(conversation, joinedAt);
      } else {
        const start = joinedAt > mode.at ? from : mode.at;
        const at = this.position.places.get(conversation)?.at ?? 0n;
        found.set(conversation, { at: start > at ? start : at, since: mode.at });
      }
    }
    // A leave ahead of the marker has been heard of by now, if there was one.
    const listed = found.size === 0 ? [] : await membershipsOf(this.#context.directory, this.#user);
    const stays = new Map(listed.map(({ conversation, joinedAt }) => [conversation, joinedAt]));
    for (const { conversation, joinedAt } of unknown)
      if (stays.get(conversation) !== joinedAt) found.delete(conversation);
    return found;
  }

  /** A directory that keeps no memberships says of a member who left only that the conversation is not listed. */
  #moved(
    heads: ReadonlyMap<string, bigint>,
    memberships: readonly Membership[] | undefined,
  ): { conversation: string; at: bigint }[] {
    const listed =
      memberships && !this.#context.directory.apply && new Set(memberships.map(({ conversation }) => conversation));
    const moved: { conversation: string; at: bigint }[] = [];
    for (const [conversation, place] of this.position.places) {
      if (!isFollowed(place) || (listed && !listed.has(conversation))) continue;
      if (place.at < (heads.get(conversation) ?? 0n)) moved.push({ conversation, at: place.at });
    }
    return moved;
  }

  /** False if it stopped before an entry that has to wait for its conversation. */
  #takeInbox(page: Page<Synced<M>>): boolean {
    for (const entry of page.entries) {
      if (!entry.deleted && this.#mustWait(entry.message)) return false;
      this.position.inbox = entry.cursor;
      this.#steps.push({ inbox: entry.cursor });
      if (!entry.deleted) this.#takeCopy(entry.message, entry.appendedAt);
    }
    if (page.entries.length === 0) {
      this.position.inbox = page.next;
      this.#steps.push({ inbox: page.next });
    }
    return true;
  }

  /** The conversation is still to be read up to where the inbox takes over. */
  #mustWait({ kind, conversation, seqId }: Synced<M>): boolean {
    const place = this.position.places.get(conversation);
    if (kind === 'read' || !place || !isFollowed(place)) return false;
    return BigInt(seqId) > (place.until ?? place.at);
  }

  #takeCopy(copy: Synced<M>, appendedAt: number): void {
    const { kind, conversation } = copy;
    const seqId = BigInt(copy.seqId);
    const place = this.position.places.get(conversation);
    if (kind === 'read') {
      this.#find({ kind, conversation, seqId, entrySeqId: seqId, sender: this.#user, sentAt: appendedAt }, false);
    } else if (kind === 'mode') {
      const isCatchingUp = place && isFollowed(place);
      // A join that the device has read past is of a stay that it knows of already.
      if (copy.from !== undefined && place && !isCatchingUp && place.at >= seqId) return;
      const from = BigInt(copy.from ?? seqId);
      const at = place && (isCatchingUp || place.at > from) ? place.at : from;
      this.#open(conversation, { at, since: seqId });
    } else if (!place || seqId > (place.until ?? place.at)) {
      this.#find(shownCopy(copy, seqId), kind !== 'recall' && copy.body === undefined);
    }
  }

  /** False if something is left. */
  #takeConversation(conversation: string, page: Page<Stored<M>>, limit: number): boolean {
    let place = this.position.places.get(conversation) as Place;
    const start = place.at;
    for (const entry of page.entries) {
      if (!isFollowed(place)) return true;
      if (entry.seqId <= start) continue;
      if (place.until !== undefined && entry.seqId > place.until) break;
      if (this.#found.length >= limit) return false;
      place = this.#placeAfter(place, entry);
      this.#move(conversation, place);
      this.#takeEntry(conversation, entry);
    }
    if (page.upToDate && place.until !== undefined && place.at < place.until)
      this.#move(conversation, { at: place.until });
    return page.upToDate || !isFollowed(place);
  }

  #takeEntry(conversation: string, entry: TimelineEntry<Stored<M>>): void {
    const message = shownEntry(conversation, entry);
    if (message) this.#find(message, false);
  }

  /** Markers and the user's own leaving change where the rest of the conversation comes from. */
  #placeAfter({ since, until }: Place, { seqId, message, deleted }: TimelineEntry<Stored<M>>): Place {
    const isOwnLeave = !deleted && message.kind === 'leave' && message.users.includes(this.#user);
    // The directory may not know yet. It will not copy what follows to the inbox, so there is nothing to read on for.
    if (isOwnLeave && since === undefined && this.#context.directory.apply) return { at: seqId };
    if (since === undefined) return until !== undefined && seqId < until ? { at: seqId, until } : { at: seqId };
    if (deleted || seqId <= since) return { at: seqId, since };
    if (message.kind === 'mode') return message.mode === 'read' ? { at: seqId, since: seqId } : { at: seqId };
    if (isOwnLeave) return { at: seqId };
    return { at: seqId, since };
  }
}
