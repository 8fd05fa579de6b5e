import { type Cursor, epochOf, seqIdOf, type Timeline, type TimelineEntry } from '../../src/index.js';
import type { DeliveryReport, InboxCopy } from '../inbox/backlog.js';
import { copiedMessage } from '../inbox/copied-message.js';
import { copyOf, type Deliverable, referenceTo } from '../inbox/inbox-entries.js';
import type { InboxWriter } from '../inbox/inbox-writer.js';
import { eventCopy, membershipEvent } from '../inbox/membership-events.js';
import type { LostEntries } from '../inbox/truncation-marker.js';
import { addNewcomers, recordLeave, toldOf } from '../members/newcomers.js';
import { membersWhoSee } from '../members/visibility.js';
import { compactModes, type EffectiveMode, recordMode } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import { each } from '../shared/listing.js';
import { copyKey } from '../shared/names.js';
import { recordRelation } from '../shared/relation-index.js';
import { recordSkip } from '../shared/skip-index.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { Stored, Synced } from '../types.js';
import { type Amendment, amend } from './amend.js';
import { copyHolders } from './copy-holders.js';
import { passLostEntries } from './lost-entries.js';
import { type FanOutTarget, markChange } from './mode-change.js';
import { SkipTracker } from './skip-tracker.js';

interface SendOptions {
  /** Members who never saw this message are left out. */
  readonly target?: bigint | undefined;
  /** Recipients so far. */
  readonly report?: DeliveryReport | undefined;
  readonly readAt?: InboxCopy<unknown>['readAt'];
}

/** Applies the entries of one conversation in order: copies, amendments, joins, leaves and mode changes. */
export class EntryProcessor<M> {
  readonly #context: Context<M>;
  readonly #conversation: string;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #inboxes: InboxWriter<M>;
  readonly #skips = new SkipTracker();
  /** The mode at the entry that comes next. */
  #mode: EffectiveMode = { mode: 'write', since: 0n };
  #hasWarned = false;
  #memberChanges = 0;

  constructor(context: Context<M>, conversation: string, inboxes: InboxWriter<M>) {
    this.#context = context;
    this.#conversation = conversation;
    this.#timeline = context.store.timeline(conversation);
    this.#inboxes = inboxes;
  }

  get mode(): EffectiveMode {
    return this.#mode;
  }

  /** The entries behind `position` come next, in that mode. */
  start(position: bigint, mode: EffectiveMode): void {
    this.#mode = mode;
    this.#skips.start(position);
  }

  /** Resolves once every inbox holds the copy of this entry or has it queued; `undefined` if inboxes get no copy. */
  async process(
    entry: TimelineEntry<Stored<M>>,
    options: { readonly isFirst: boolean; readonly readAt: number },
  ): Promise<DeliveryReport | undefined> {
    const report = await this.#apply(entry, options);
    if (this.#skips.isDueAfter(entry))
      await recordSkip(this.#context.store, this.#conversation, this.#skips.skipThrough(entry));
    this.#skips.visit(entry);
    return report;
  }

  async #apply(
    entry: TimelineEntry<Stored<M>>,
    { isFirst, readAt }: { readonly isFirst: boolean; readonly readAt: number },
  ): Promise<DeliveryReport | undefined> {
    const { directory } = this.#context;
    const message = entry.deleted ? undefined : entry.message;
    if (isUndecodable(message)) return this.#sendReference(entry);
    switch (message?.kind) {
      case 'edit':
      case 'recall': {
        const target = await amend(this.#timeline, entry.seqId, message, this.#context.closing);
        const report = await this.#removeBody(entry, message, target);
        return (await this.#sendCopy(entry, message, { report })) ?? report;
      }
      case 'message':
        await recordRelation(this.#context.store, this.#conversation, entry);
        return this.#sendCopy(entry, message, { readAt });
      case 'join':
        await addNewcomers(
          this.#context,
          { conversation: this.#conversation, entry, users: message.users, mode: this.mode.mode },
          this.#inboxes,
        );
        await this.#tellMembers(entry, message.users);
        await this.#compactMembers(entry.cursor);
        return undefined;
      case 'leave':
        await this.#tellMembers(entry, []);
        await recordLeave(this.#context, this.#conversation, entry, message.users);
        await directory.apply?.(this.#conversation, {
          ...{ kind: 'leave', users: message.users, at: entry.seqId },
          epoch: tagOf(epochOf(entry.cursor)),
        });
        await this.#compactMembers(entry.cursor);
        return undefined;
      case 'mode':
        return this.#changeMode(entry, { mode: message.mode, since: entry.seqId }, isFirst);
      default:
        return undefined;
    }
  }

  /** Passes the entry if no inbox, message, membership or index changes for it. Returns `false` if one does. */
  pass(entry: Pick<TimelineEntry<Stored<M>>, 'seqId' | 'message' | 'deleted'>): boolean {
    const { message, deleted } = entry;
    const isOnlyRead = this.mode.mode === 'read' && message?.kind === 'message' && message.relatesTo === undefined;
    const needsNoWrites = deleted || message.kind === 'state' || isOnlyRead;
    if (!needsNoWrites || this.#skips.isDueAfter(entry)) return false;
    this.#skips.visit(entry);
    return true;
  }

  /** Takes over the mode of an entry that another process has processed. */
  follow(entry: TimelineEntry<Stored<M>>): void {
    const { seqId, message, deleted } = entry;
    if (!deleted && message.kind === 'mode') this.#mode = { mode: message.mode, since: seqId };
    this.#skips.visit(entry);
  }

  /** Passes entries that are gone. */
  async passLost(lost: LostEntries): Promise<void> {
    this.start(lost.through, await passLostEntries(this.#target, lost, this.mode));
  }

  get #target(): FanOutTarget<M> {
    return { context: this.#context, conversation: this.#conversation, inboxes: this.#inboxes };
  }

  /** In read mode, devices read the event in the conversation. */
  async #tellMembers(entry: TimelineEntry<Stored<M>>, joining: readonly string[]): Promise<void> {
    if (!this.#context.membershipEvents || this.mode.mode === 'read') return;
    const event = membershipEvent(this.#conversation, entry);
    if (!event) return;
    const told = toldOf(this.#context, this.#conversation, entry.seqId, joining);
    await this.#inboxes.write(eventCopy(this.#conversation, entry, event), told);
  }

  async #compactMembers(at: Cursor): Promise<void> {
    const { directory } = this.#context;
    if (!directory.compact || this.#memberChanges++ % this.#context.memberChangesPerLook !== 0) return;
    const deliveredThrough = await this.#deliveredThrough(at);
    if (deliveredThrough !== undefined) await directory.compact(this.#conversation, { deliveredThrough });
  }

  /**
   * The durable position: after a crash, the fan-out starts there or later. One of another epoch than `at` does not
   * count: its entries may be lost.
   */
  async #deliveredThrough(at: Cursor): Promise<bigint | undefined> {
    const [position] = await this.#context.fanOutPositions.get([this.#conversation]);
    return position === undefined || epochOf(position) !== epochOf(at) ? undefined : seqIdOf(position);
  }

  /** Another process may be able to decode it: each reader of the reference tries. */
  async #sendReference(entry: TimelineEntry<Stored<M>>): Promise<DeliveryReport | undefined> {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      const name = `entry ${entry.seqId} of ${JSON.stringify(this.#conversation)}`;
      const message = `${name} does not decode; inboxes get a reference to it`;
      this.#context.warn({ code: 'undecodable-entry', message });
    }
    return this.mode.mode === 'read' ? undefined : this.#send(entry, referenceTo(this.#conversation, entry));
  }

  async #sendCopy(
    entry: TimelineEntry<Stored<M>>,
    message: Deliverable<M>,
    options: Pick<SendOptions, 'report' | 'readAt'>,
  ): Promise<DeliveryReport | undefined> {
    if (this.mode.mode === 'read') return undefined;
    const copy = copyOf(this.#context, this.#conversation, entry, message);
    const target = message.kind === 'message' ? undefined : BigInt(message.target);
    return this.#send(entry, copy, { ...options, target });
  }

  /** Inboxes keep no body that an edit or recall replaces; `undefined` if no inbox has ever held a copy. */
  async #removeBody(
    entry: TimelineEntry<Stored<M>>,
    { target }: Amendment<M>,
    message: TimelineEntry<Stored<M>> | undefined,
  ): Promise<DeliveryReport | undefined> {
    const { clock, sync } = this.#context;
    const { keyWindowMs, update } = sync.capabilities;
    const seqId = BigInt(target);
    const isOnlyRead = this.mode.mode === 'read' && this.mode.since < seqId;
    if (!update || isOnlyRead) return undefined;
    const conversation = this.#conversation;
    const { appendedAt: amendedAt } = entry;
    const copied = copiedMessage({ conversation, seqId, entry: message, amendedAt, clock, keyWindowMs });
    const holders = copyHolders(this.#context, { conversation, after: seqId, at: entry.seqId });
    return this.#inboxes.removeBody({ seqId: entry.seqId, key: `remove:${entry.seqId}`, copied }, holders);
  }

  #send(
    entry: TimelineEntry<Stored<M>>,
    message: Synced<M>,
    { target, report, readAt }: SendOptions = {},
  ): Promise<DeliveryReport> {
    const at = entry.seqId;
    // A sender who is no member gets no copy: a later join may show the past, in order.
    const members = each(this.#context.directory.members(this.#conversation, { at }));
    const recipients =
      target === undefined ? members : membersWhoSee(this.#context, this.#conversation, members, { at, target });
    const key = copyKey(this.#conversation, entry);
    return this.#inboxes.write(
      { seqId: at, key, message, ...(readAt !== undefined && { readAt }) },
      recipients,
      report,
    );
  }

  /** Inboxes get a marker at each change, but not of the mode in which the conversation starts. */
  async #changeMode(
    entry: TimelineEntry<Stored<M>>,
    next: EffectiveMode,
    isFirst: boolean,
  ): Promise<DeliveryReport | undefined> {
    const conversation = this.#conversation;
    const { state } = this.#context;
    let report: DeliveryReport | undefined;
    if (next.mode !== this.mode.mode && !isFirst) {
      const markerKey = copyKey(conversation, entry);
      report = await markChange(this.#target, { before: this.mode, next, markerKey, epoch: epochOf(entry.cursor) });
    } else await recordMode(state, conversation, { ...next, epoch: tagOf(epochOf(entry.cursor)), isDone: true });
    const position = await this.#deliveredThrough(entry.cursor);
    if (position !== undefined) await compactModes(state, conversation, position, await this.#timeline.head());
    this.#mode = next;
    return report;
  }
}
