import type { Cursor } from '../../src/index.js';
import { type ConversationPosition, encodePosition } from './conversation-position.js';
import type { Signer } from './cursor-signature.js';
import {
  type ConversationRef,
  type DeviceCursor,
  encodeDeviceCursor,
  MAX_CONTENT,
  type RecordedChanges,
  refOf,
  sizeOfChange,
  sizeOfCursor,
} from './device-cursor.js';
import type { DeviceLog } from './device-log.js';
import type { PageCursors } from './kept-position.js';
import type { NameHashes } from './name-hashes.js';
import { type ConversationChange, type InboxProgress, PageChanges } from './page-changes.js';
import { KEPT_RECORDS, type PageRecords } from './page-records.js';
import type { StreamPage } from './stream-page.js';

/** Conversations changed after a chain began, from which on the next record begins another one. */
const MAX_SINCE_CHAIN = 128;
/** Distance in SeqIds at which the begin of a chain comes too close to being trimmed. */
const MAX_CHAIN_AGE = BigInt(KEPT_RECORDS / 4);

type Changes = Map<string, ConversationPosition>;
type CursorAfter = (count: number) => Cursor;

/**
 * Cursors of a device whose position is stored, of a bounded size: each holds the changes since the acknowledged
 * position, as far as they are few. Otherwise the page's changes are recorded first, and cursors refer to the record.
 * Records form chains of two, so that an acknowledgement reads little: the first has all changes since the acknowledged
 * position, the second those since the first.
 */
export class StoredCursors<M> implements PageCursors {
  readonly resynced: boolean;
  readonly #log: DeviceLog<M>;
  readonly #records: PageRecords<M>;
  readonly #hashes: NameHashes;
  readonly #sign: Signer;
  readonly #generation: number;
  #logReadThrough: bigint;
  #base: bigint;
  #end: () => Cursor;
  #inbox: InboxProgress = { inbox: undefined, isComplete: false };
  readonly #unacknowledged: Changes = new Map();
  /** The last record, and the first of its chain. */
  #recorded: RecordedChanges | undefined;
  #chainBegin: RecordedChanges | undefined;
  readonly #sinceRecord: Changes = new Map();
  readonly #sinceChainBegin: Changes = new Map();
  /** The names in the chain of the last record. */
  readonly #chainNames = new Set<string>();

  constructor(log: DeviceLog<M>, records: PageRecords<M>, hashes: NameHashes, sign: Signer) {
    this.#log = log;
    this.#records = records;
    this.#hashes = hashes;
    this.#sign = sign;
    this.#generation = log.generation;
    this.#logReadThrough = log.readThrough;
    this.#base = log.readThrough;
    this.resynced = log.isResyncPending;
    const { resynced } = this;
    const fixed = { generation: log.generation, base: this.#base, resynced };
    const start = { ...this.#inbox, ...fixed, usualEpoch: 0, conversations: [] };
    this.#end = () => encodeDeviceCursor(sign, start);
  }

  get cursor(): Cursor {
    return this.#end();
  }

  /** SeqId of the last record of the log that later cursors take into account. */
  get base(): bigint {
    return this.#base;
  }

  /** The reader knows all positions of the log that are over. */
  rebase(): void {
    this.#base = this.#log.readThrough;
  }

  get #fixed(): Pick<DeviceCursor, 'generation' | 'base' | 'resynced'> {
    return { generation: this.#generation, base: this.#base, resynced: this.resynced };
  }

  async add({ changes }: StreamPage<unknown>): Promise<CursorAfter> {
    this.#dropAcknowledged();
    const page = new PageChanges(this.#inbox, changes);
    const recorded = this.#recorded;
    const inlined =
      this.#inlined(page, undefined, this.#unacknowledged) ??
      (recorded && this.#inlined(page, recorded, this.#sinceRecord));
    const cursorAfter = inlined ?? (await this.#record(page));
    if (inlined) addAll(page.conversations, this.#unacknowledged, this.#sinceRecord, this.#sinceChainBegin);
    this.#inbox = page.end;
    this.#end = () => cursorAfter(changes.length);
    return cursorAfter;
  }

  /** Returns `undefined` if a cursor of the page would become too long. */
  #inlined(page: PageChanges, recorded: RecordedChanges | undefined, before: Changes): CursorAfter | undefined {
    const [, { epoch: usualEpoch }] = [...before, ...page.conversations][0] ?? ['', { epoch: 0 }];
    const fixed = { ...this.#fixed, recorded, usualEpoch };
    let size = sizeOfCursor({ ...fixed, ...page.end, conversations: [] });
    const found = new Map<string, readonly [ConversationRef, ConversationPosition]>();
    const add = ([name, position]: ConversationChange): boolean => {
      const earlier = found.get(name);
      const isStored = this.#log.conversations.has(name) || (recorded !== undefined && this.#chainNames.has(name));
      const ref = earlier?.[0] ?? refOf(name, this.#hashes, isStored);
      size += sizeOfChange(ref, position, usualEpoch) - (earlier ? sizeOfChange(...earlier, usualEpoch) : 0);
      found.set(name, [ref, position]);
      return size <= MAX_CONTENT;
    };
    for (const change of before) if (!add(change)) return undefined;
    const start = new Map(found);
    for (const change of page.conversations) if (!add(change)) return undefined;
    return (count) => {
      const { inbox, conversationCount } = page.after(count);
      const conversations = new Map(start);
      for (const [name, position] of page.conversations.slice(0, conversationCount)) {
        const [ref] = found.get(name) as readonly [ConversationRef, ConversationPosition];
        conversations.set(name, [ref, position]);
      }
      return encodeDeviceCursor(this.#sign, { ...fixed, ...inbox, conversations: conversations.values() });
    };
  }

  async #record(page: PageChanges): Promise<CursorAfter> {
    const begin = this.#mayExtend() ? this.#chainBegin : undefined;
    const earlier = begin ? this.#sinceChainBegin : this.#unacknowledged;
    const recordedAfter = await this.#records.append(begin, [...earlier], page.conversations);
    this.#recorded = recordedAfter(page.conversations.length);
    if (!begin) this.#chainNames.clear();
    for (const [name] of [...earlier, ...page.conversations]) this.#chainNames.add(name);
    this.#sinceRecord.clear();
    addAll(page.conversations, this.#unacknowledged, this.#sinceChainBegin);
    if (!begin) {
      this.#chainBegin = this.#recorded;
      this.#sinceChainBegin.clear();
    }
    const fixed = { ...this.#fixed, usualEpoch: 0, conversations: [] };
    return (count) => {
      const { inbox, conversationCount } = page.after(count);
      return encodeDeviceCursor(this.#sign, { ...fixed, ...inbox, recorded: recordedAfter(conversationCount) });
    };
  }

  #mayExtend(): boolean {
    if (!this.#chainBegin || !this.#recorded || this.#sinceChainBegin.size > MAX_SINCE_CHAIN) return false;
    return this.#recorded.seqId - this.#chainBegin.seqId < MAX_CHAIN_AGE;
  }

  /** Leaves out what the device has acknowledged since, here or in another process: cursors stay short. */
  #dropAcknowledged(): void {
    const { generation, readThrough, conversations } = this.#log;
    if (generation !== this.#generation || readThrough === this.#logReadThrough) return;
    this.#logReadThrough = readThrough;
    for (const changes of [this.#unacknowledged, this.#sinceRecord, this.#sinceChainBegin]) {
      for (const [name, position] of changes) {
        if (isAcknowledged(position, conversations.get(name))) changes.delete(name);
      }
    }
    if (this.#unacknowledged.size > 0) return;
    this.#recorded = undefined;
    this.#chainBegin = undefined;
    this.#chainNames.clear();
  }
}

function isAcknowledged(position: ConversationPosition, acknowledged: ConversationPosition | undefined): boolean {
  if (acknowledged && acknowledged.epoch !== position.epoch) return false;
  if (!acknowledged || acknowledged.deliveredThrough !== position.deliveredThrough)
    return acknowledged !== undefined && acknowledged.deliveredThrough > position.deliveredThrough;
  return encodePosition(acknowledged) === encodePosition(position);
}

function addAll(changes: readonly ConversationChange[], ...maps: readonly Changes[]): void {
  for (const map of maps) for (const [name, position] of changes) map.set(name, position);
}
