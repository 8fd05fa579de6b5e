import { type Cursor, epochOf, seqIdOf, type TimelineId } from '../../src/index.js';
import { advanceOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import { encodePositions } from './conversation-position.js';
import { signerForDevice } from './cursor-signature.js';
import { type DeviceLog, furtherInbox } from './device-log.js';
import type { DeviceRegistration } from './device-registration.js';
import {
  type DeviceIdentity,
  type KeptPosition,
  lastOf,
  type OpenedPosition,
  type ReadHeads,
} from './kept-position.js';
import type { NameHashes } from './name-hashes.js';
import type { PageRecords } from './page-records.js';
import { rebuild } from './rebuild.js';
import { StoredCursors } from './stored-cursors.js';
import type { StreamHeads } from './stream-heads.js';
import type { StreamPosition } from './stream-page.js';

/** A position in a checkpoint on the inbox and in the device's log. */
export class StoredPosition<M> implements KeptPosition {
  readonly log: TimelineId;
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #log: DeviceLog<M>;
  readonly #records: PageRecords<M>;
  readonly #registration: DeviceRegistration<M>;
  readonly #hashesFor: (secret: string) => NameHashes;

  /** The log at the last call of {@link open}, and `true` if there was a position. */
  #opened = { forgottenAt: 0n, generation: 0 };
  #isStored = false;
  /** The position that was opened last, which its reader advances, and the cursors of its pages. */
  #position: StreamPosition | undefined;
  #cursors: StoredCursors<M> | undefined;

  constructor(
    context: Context<M>,
    identity: DeviceIdentity,
    log: DeviceLog<M>,
    records: PageRecords<M>,
    registration: DeviceRegistration<M>,
    hashesFor: (secret: string) => NameHashes,
  ) {
    this.log = log.id;
    this.#context = context;
    this.#identity = identity;
    this.#log = log;
    this.#records = records;
    this.#registration = registration;
    this.#hashesFor = hashesFor;
  }

  async open(readHeads: ReadHeads): Promise<OpenedPosition> {
    const { user, device, start } = this.#identity;
    const { forgottenAt } = this.#log;
    const [[inbox], first] = await Promise.all([
      this.#context.sync.checkpoints([this.#checkpoint]),
      readHeads(this.#log.positions),
    ]);
    const isChanged = await this.#readLog(inbox, first);
    if (this.#log.forgottenAt !== forgottenAt) return this.open(readHeads);
    const last = lastOf(start);
    const { life, secret } = first;
    const isNew = inbox === undefined && !this.#log.isKnown;
    if (isNew) this.#log.isTakenBack = false;
    if (!isNew && (this.#log.isTakenBack || this.#log.life !== life)) {
      await this.rebuild({ last: this.#context.resyncLast, isResync: true });
      return this.open(readHeads);
    }
    if (isNew && last !== undefined) {
      await this.rebuild({ last, isResync: false });
      return this.open(readHeads);
    }
    if (!isNew) {
      await this.#registration.ensure();
      if (this.#log.forgottenAt !== forgottenAt) return this.open(readHeads);
    }
    const position = {
      inbox: furtherInbox(inbox, this.#log.inbox) ?? (this.#log.isKnown ? 0n : undefined),
      conversations: this.#log.positions,
      // An acknowledgement of inbox entries alone adds no record.
      isInboxLast: inbox !== undefined && seqIdOf(inbox) > this.#log.inboxBefore,
      isComplete: this.#log.isComplete,
    };
    this.#opened = { forgottenAt, generation: this.#log.generation };
    this.#isStored = !isNew;
    const sign = signerForDevice(secret, user, device, { forgottenAt, life });
    const cursors = new StoredCursors(this.#log, this.#records, this.#hashesFor(secret), sign);
    this.#cursors = cursors;
    this.#position = position;
    const mustReadAgain = isChanged && position.conversations.size > 0;
    return { position, heads: mustReadAgain ? await readHeads(position.conversations) : first, cursors };
  }

  async refresh({ deviceLog }: StreamHeads): Promise<boolean> {
    await this.#log.refresh(deviceLog);
    if (this.#log.isTakenBack || this.#isOvertaken) return true;
    this.#cursors?.rebase();
    const { forgottenAt, generation } = this.#opened;
    if (forgottenAt === this.#log.forgottenAt && (this.#isStored || this.#registration.isMade))
      await this.#registration.ensure();
    return forgottenAt !== this.#log.forgottenAt || generation !== this.#log.generation;
  }

  /** Another process has acknowledged, since the last look, the end of a position that the reader still has. */
  get #isOvertaken(): boolean {
    const { ended, removedThrough, readThrough } = this.#log;
    if (!this.#cursors || this.#cursors.base === readThrough) return false;
    if (this.#cursors.base < removedThrough) return true;
    for (const [name, { deliveredThrough }] of ended) {
      const position = this.#position?.conversations.get(name);
      if (position && position.deliveredThrough < deliveredThrough) return true;
    }
    return false;
  }

  /**
   * Reads the log so far that it holds every conversation position which the inbox position goes with: the head was
   * read beside the inbox position, and may be older.
   */
  async #readLog(inbox: Cursor | undefined, { deviceLog }: StreamHeads): Promise<boolean> {
    const isRead = await this.#log.refresh(deviceLog);
    const isChanged = isRead || (inbox !== this.#log.checkpoint && (await this.#log.refresh()));
    this.#log.checkpoint = inbox;
    return isChanged;
  }

  /** Begins a new generation of the device's state. */
  async rebuild({ last, isResync }: { readonly last: number; readonly isResync: boolean }): Promise<void> {
    const { user } = this.#identity;
    await this.#registration.ensure();
    const { sync } = this.#context;
    const { inbox: at, conversations } = await rebuild(this.#context, user, last);
    const { next: inbox } = await sync.timeline(user).read({ after: at, before: at + 1n, limit: 1, ...lenient });
    // The record holds the inbox position too: after a crash before the checkpoint, nothing older is handed over.
    const generation = this.#log.generation + 1;
    const { life } = await this.#context.settings();
    const record = { generation, inbox, life, places: encodePositions(conversations), isComplete: true } as const;
    const isBegun = await this.#log.begin({ ...record, ...(isResync && { resync: true }) });
    if (isBegun) await this.#setCheckpoint(inbox, at);
  }

  /** A checkpoint of an earlier life of the inbox means nothing in this one. */
  async #setCheckpoint(inbox: Cursor, at: bigint): Promise<void> {
    const { timeline, reader } = this.#checkpoint;
    const checkpoint = this.#context.sync.timeline(timeline).checkpoint(reader);
    const stored = await checkpoint.get();
    if (stored !== undefined && epochOf(stored) !== epochOf(inbox)) await checkpoint.reset(at > 0n ? inbox : undefined);
    else if (at > 0n) await advanceOrReset(this.#context.sync, { timeline, reader, to: inbox });
  }

  get #checkpoint(): { readonly timeline: string; readonly reader: string } {
    const { user, device } = this.#identity;
    return { timeline: user, reader: readerOf.device(device, this.#log.forgottenAt) };
  }
}
