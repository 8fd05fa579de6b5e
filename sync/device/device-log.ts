import {
  type Cursor,
  type Head,
  isTimelineError,
  seqIdOf,
  type Timeline,
  type TimelineId,
  type TimelineStore,
} from '../../src/index.js';
import { holds, tagOf } from '../shared/epochs.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { type ConversationPosition, decodePositions, encodePositions, setLast } from './conversation-position.js';
import type { DeviceRecord, ForgottenRecord, NewDeviceRecord } from './device-record.js';

/** Records after which the log is rewritten as one. */
const COMPACT_AT = 64;
const PAGE = 1000;

/** Where the log stands, as a look at its head finds it. */
type LogHead = Pick<Head, 'epoch' | 'lastSeqId' | 'ancestors'>;

/** The state of a device besides its inbox position: a Timeline of changes that any process reads and extends. */
export class DeviceLog<M> {
  /** SeqId of the record by which the device was forgotten last; 0n: it never was. */
  forgottenAt = 0n;
  /** `true` once the device has acknowledged anything, even an empty page. */
  isKnown = false;
  generation = 0;
  /** `true` from a resync until the device acknowledges a page that tells of it. */
  isResyncPending = false;
  /** Records were lost: entries of the inbox that led to their positions do not come again. */
  isTakenBack = false;
  /** `LibrarySettings.life` when the generation was begun or acknowledged last. */
  life: number | undefined;
  /** The one that changed last comes last. Positions that are over stay until no cursor counts that knows them. */
  conversations = new Map<string, ConversationPosition>();
  /** See `StreamPosition`. */
  isComplete = false;
  /** May be ahead of the checkpoint on the inbox, after a crash between the two writes, or behind it. */
  inbox: Cursor | undefined;
  /** The SeqId up to which the inbox had been acknowledged when a conversation position was recorded last. */
  inboxBefore = 0n;
  /** The checkpoint on the inbox that was read or written before the log was read last. */
  checkpoint: Cursor | undefined;
  readonly id: TimelineId;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #canTrim: boolean;
  #readThrough = 0n;
  #epoch = 0;
  /** SeqId of the record that began the generation. */
  #begunAt = 0n;
  #recordCount = 0;
  /** Cursors that were made before this record may have positions that are not in the log any more. */
  removedThrough = 0n;
  #compactedAt = 0n;
  /** Conversations whose positions were over at the last compaction. */
  #endedBefore: ReadonlySet<string> = new Set();

  constructor(state: TimelineStore<Stored<M>>, user: string, device: string) {
    this.id = timelineOf.device(user, device);
    this.#timeline = state.timeline(this.id);
    this.#canTrim = state.capabilities.trim;
  }

  /** The positions that are not over. */
  get positions(): Map<string, ConversationPosition> {
    return new Map([...this.conversations].filter(([, { isOver }]) => !isOver));
  }

  /** The positions that are over. */
  get ended(): Map<string, ConversationPosition> {
    return new Map([...this.conversations].filter(([, { isOver }]) => isOver));
  }

  /** SeqId of the last record read. */
  get readThrough(): bigint {
    return this.#readThrough;
  }

  /** Reads new records of this and other processes; `true` if there were any. */
  async refresh(known?: LogHead): Promise<boolean> {
    if (known && !this.#isOf(known)) return this.#readAgain();
    if (known && known.lastSeqId <= this.#readThrough) return false;
    try {
      return await this.#readOn();
    } catch (error) {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_ROLLED_BACK') throw error;
      return this.#readAgain();
    }
  }

  async #readOn(): Promise<boolean> {
    const before = this.#readThrough;
    const pages = this.#timeline.pages({ after: this.#readThrough, pageSize: PAGE, ...lenient });
    for await (const { entries, head, truncated } of pages) {
      if (!this.#isOf(head)) return this.#readAgain();
      this.#epoch = tagOf(head.epoch);
      for (const { message, seqId, deleted } of entries) {
        if (seqId <= this.#readThrough) continue;
        if (!deleted && message.kind === 'state') this.#applyAt(seqId, message.state as DeviceRecord | ForgottenRecord);
        this.#readThrough = seqId;
        this.#recordCount++;
      }
      const isEmptied = entries.length === 0 && truncated !== undefined && truncated.through >= head.lastSeqId;
      if (isEmptied && head.lastSeqId > this.#readThrough) {
        this.#forget(head.lastSeqId);
        this.#readThrough = head.lastSeqId;
      }
    }
    return this.#readThrough !== before;
  }

  #isOf(head: LogHead): boolean {
    return holds(head, { epoch: this.#epoch, seqId: this.#readThrough });
  }

  /** The state library went back to an earlier state: its records mean another position now. */
  async #readAgain(): Promise<boolean> {
    this.#readThrough = 0n;
    this.#epoch = 0;
    this.#recordCount = 0;
    const { generation } = this;
    this.#forget(0n);
    await this.#readOn();
    // A cursor from before must not begin its generation again.
    this.generation = (this.generation < generation ? generation : this.generation) + 1;
    this.isTakenBack = true;
    return true;
  }

  /** Adds a record. Another process may have forgotten the device meanwhile: the record does not count then. */
  async add(record: NewDeviceRecord): Promise<void> {
    await this.#add(record);
  }

  /** Adds the first record of a generation. `false`: another process has begun it, and this record does not count. */
  async begin(record: NewDeviceRecord): Promise<boolean> {
    return (await this.#add({ ...record, begins: true })) === this.#begunAt;
  }

  async #add(record: Omit<DeviceRecord, 'forgottenAt'>): Promise<bigint> {
    const state: DeviceRecord = { ...record, ...this.#mark };
    const { seqId } = await this.#timeline.append({ kind: 'state', state });
    await this.refresh();
    if (this.#recordCount > COMPACT_AT && this.#canTrim && this.isKnown) await this.#compact();
    return seqId;
  }

  /** Ends all records before. Repeated with the same key, it spares those that came since. */
  async erase(key: string): Promise<void> {
    const state: ForgottenRecord = { forgotten: true };
    const { seqId } = await this.#timeline.append({ kind: 'state', state }, { key });
    if (this.#canTrim) await this.#timeline.trim({ through: seqId - 1n });
  }

  /** Removes what {@link erase} left. No process may hold positions of before any more. */
  async empty(): Promise<void> {
    await this.refresh();
    // Without entries, its last SeqId has to be that of the record by which the device was forgotten.
    if (this.#canTrim && this.#readThrough === this.forgottenAt && this.forgottenAt > 0n)
      await this.#timeline.trim({ through: this.forgottenAt });
  }

  /** Replaces all records read so far by one. Records that other processes add meanwhile stay behind the trim. */
  async #compact(): Promise<void> {
    const through = this.#readThrough;
    const kept = [...this.conversations].filter(([name, { isOver }]) => !isOver || !this.#endedBefore.has(name));
    const removedThrough = kept.length < this.conversations.size ? this.#compactedAt : this.removedThrough;
    const state: DeviceRecord = {
      ...this.#mark,
      compacts: true,
      ...(removedThrough > 0n && { removedThrough: String(removedThrough) }),
      generation: this.generation,
      places: encodePositions(new Map(kept)),
      inbox: this.inbox,
      inboxBefore: String(this.inboxBefore),
      life: this.life ?? 0,
      ...(this.isComplete && { isComplete: true }),
      // Readers that the trim overtakes miss the record that says so.
      ...(this.isResyncPending ? { resync: true } : { told: true }),
    };
    this.#recordCount = 0;
    await this.#timeline.append({ kind: 'state', state });
    await this.#timeline.trim({ through });
  }

  get #mark(): Pick<DeviceRecord, 'forgottenAt'> {
    return this.forgottenAt === 0n ? {} : { forgottenAt: String(this.forgottenAt) };
  }

  #applyAt(seqId: bigint, record: DeviceRecord | ForgottenRecord): void {
    const isOfPosition = !('forgotten' in record);
    const forgottenAt = isOfPosition ? BigInt(record.forgottenAt ?? 0) : seqId;
    if (forgottenAt > this.forgottenAt) this.#forget(forgottenAt);
    if (isOfPosition && forgottenAt === this.forgottenAt) this.#apply(record, seqId);
  }

  #forget(forgottenAt: bigint): void {
    this.forgottenAt = forgottenAt;
    this.isKnown = false;
    this.#beginGeneration(0, forgottenAt);
  }

  #beginGeneration(generation: number, seqId: bigint): void {
    this.generation = generation;
    this.#begunAt = seqId;
    this.conversations = new Map();
    this.removedThrough = 0n;
    this.#compactedAt = 0n;
    this.#endedBefore = new Set();
    this.inbox = undefined;
    this.inboxBefore = 0n;
    this.isComplete = false;
    this.isResyncPending = false;
    this.isTakenBack = false;
  }

  #apply(record: DeviceRecord, seqId: bigint): void {
    const { generation, begins, places = [], inbox, isComplete, resync, told, life } = record;
    this.isKnown = true;
    if (generation < this.generation || (begins && generation === this.generation)) return;
    this.life = life;
    if (generation > this.generation) {
      this.#beginGeneration(generation, seqId);
      // Once acknowledged, it is never pending again: a record of a compaction may come after the acknowledgement.
      this.isResyncPending = resync === true;
    }
    if (isComplete) this.isComplete = true;
    if (told) this.isResyncPending = false;
    // The further position counts: law Checkpoint. Of two at the same entry, markers further along the inbox decide.
    const isFurther = furtherInbox(this.inbox, inbox) === inbox;
    if (isFurther) this.inbox = inbox;
    for (const before of [BigInt(record.inboxBefore ?? 0), inbox === undefined ? 0n : seqIdOf(inbox)])
      if (before > this.inboxBefore) this.inboxBefore = before;
    const given = decodePositions(places);
    for (const [conversation, position] of given) {
      const known = this.conversations.get(conversation);
      if (!known || isLater(position, known, isFurther)) setLast(this.conversations, conversation, position);
    }
    if (record.compacts) this.#applyCompaction(seqId, record, new Set(given.map(([name]) => name)));
  }

  #applyCompaction(seqId: bigint, { removedThrough = '0' }: DeviceRecord, kept: ReadonlySet<string>): void {
    for (const name of this.#endedBefore)
      if (!kept.has(name) && this.conversations.get(name)?.isOver) this.conversations.delete(name);
    if (BigInt(removedThrough) > this.removedThrough) this.removedThrough = BigInt(removedThrough);
    this.#compactedAt = seqId;
    this.#endedBefore = new Set(this.ended.keys());
  }
}

function isLater(position: ConversationPosition, known: ConversationPosition, isFurther: boolean): boolean {
  if (position.deliveredThrough !== known.deliveredThrough) return position.deliveredThrough > known.deliveredThrough;
  return isFurther || (position.isOver === true && position.followedThrough === known.followedThrough);
}

export function furtherInbox(a: Cursor | undefined, b: Cursor | undefined): Cursor | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return seqIdOf(b) > seqIdOf(a) ? b : a;
}
