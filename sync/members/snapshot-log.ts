import {
  isTimelineError,
  type Timeline,
  type TimelineEntry,
  type TimelineId,
  type TimelineStore,
} from '../../src/index.js';
import { holds, tagOf } from '../shared/epochs.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

const PAGE = 1000;
const ITEMS_PER_PART = 1000;

/** The state that the records of a log result in. */
export interface LogState<Change, Snapshot extends { readonly items: readonly unknown[] }> {
  /** Goes back to the state before the first record. */
  clear(): void;
  /** `seqId` is that of the record in the log, `appendedAt` its time by the store, in milliseconds since 1970. */
  apply(change: Change, seqId: bigint, appendedAt: number): void;
  /** Replaces the state. */
  restore(snapshot: Snapshot): void;
  /** Items in an order that depends on the records only; the first part carries all other fields. */
  snapshot(): Snapshot;
}

/** A part of a snapshot: the state after the record at `through`. */
interface SnapshotPart {
  readonly snapshot: {
    readonly through: string;
    readonly part: number;
    readonly parts: number;
    readonly state: { readonly items: readonly unknown[] };
  };
}

interface LogRecord<Change> {
  readonly seqId: bigint;
  readonly appendedAt: number;
  readonly change: Change;
}

/**
 * A Timeline of changes with snapshots. The state is that of the newest complete snapshot and the changes behind it. A
 * snapshot is appended before the records that it covers are trimmed, so a reader that a trim overtakes finds them in
 * the snapshot further along.
 */
export class SnapshotLog<M, Change extends object, Snapshot extends { readonly items: readonly unknown[] }> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #state: LogState<Change, Snapshot>;
  readonly #parts = new Map<bigint, SnapshotPart['snapshot'][]>();
  /** Changes behind the snapshot that the state comes from. */
  #changes: LogRecord<Change>[] = [];
  #base = 0n;
  #readThrough = 0n;
  #epoch = 0;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isLoaded = false;

  constructor(store: TimelineStore<Stored<M>>, id: TimelineId, state: LogState<Change, Snapshot>) {
    this.#store = store;
    this.#timeline = store.timeline(id);
    this.#state = state;
  }

  /** The number of changes since the newest snapshot. */
  get changeCount(): number {
    return this.#changes.length;
  }

  /** SeqId of the last record that was read. */
  get readThrough(): bigint {
    return this.#readThrough;
  }

  /** Reads the log unless it was read before. */
  async load(): Promise<void> {
    if (!this.#isLoaded) await this.refresh();
  }

  /** Reads new records. Does not join a read under way, which may have missed the newest, but the one after it. */
  refresh(): Promise<void> {
    this.#next ??= this.#readAfter(this.#reading);
    return this.#next;
  }

  async #readAfter(earlier: Promise<void> | undefined): Promise<void> {
    await earlier?.catch(() => undefined);
    this.#reading = this.#next;
    this.#next = undefined;
    await this.#readOn();
  }

  /** Writes a snapshot of all that was read, and trims the records that it covers. */
  async compact(): Promise<void> {
    if (!this.#store.capabilities.trim || this.#changes.length === 0) return;
    const through = this.#readThrough;
    const { items, ...rest } = this.#state.snapshot();
    const parts = Math.max(1, Math.ceil(items.length / ITEMS_PER_PART));
    const writes = Array.from({ length: parts }, (_, part) => {
      const some = items.slice(part * ITEMS_PER_PART, (part + 1) * ITEMS_PER_PART);
      const state = { ...(part === 0 && rest), items: some };
      const snapshot = { through: String(through), part, parts, state };
      const message = { kind: 'state', state: { snapshot } satisfies SnapshotPart } as const;
      return { timeline: this.#timeline.id, message, key: `snapshot:${through}:${part}` };
    });
    for (const outcome of await this.#store.appendBatch(writes)) if (!outcome.ok) ignoreKeyConflict(outcome.error);
    await this.#timeline.trim({ through });
    await this.refresh();
  }

  async #readOn(): Promise<void> {
    try {
      if (await this.#readPages()) return;
    } catch (error) {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_ROLLED_BACK') throw error;
    }
    // The store went back to an earlier state.
    this.#state.clear();
    this.#parts.clear();
    this.#changes = [];
    this.#base = this.#readThrough = 0n;
    await this.#readPages();
  }

  /** Returns `false` if the log does not hold any more what was read of it before. */
  async #readPages(): Promise<boolean> {
    const read: LogRecord<Change>[] = [];
    const pages = this.#timeline.pages({ after: this.#readThrough, pageSize: PAGE, ...lenient });
    for await (const { entries, head } of pages) {
      if (!holds(head, { epoch: this.#epoch, seqId: this.#readThrough })) return false;
      this.#epoch = tagOf(head.epoch);
      for (const entry of entries) {
        this.#readThrough = entry.seqId;
        const record = this.#recordOf(entry);
        if (record) read.push(record);
      }
    }
    const through = this.#newestSnapshot();
    if (through !== undefined) this.#restore(through);
    const applied = through === undefined ? read : [...this.#changes, ...read].filter(({ seqId }) => seqId > through);
    if (through !== undefined) this.#changes = [];
    for (const { change, seqId, appendedAt } of applied) this.#state.apply(change, seqId, appendedAt);
    // Without trims there are no snapshots: nothing will be applied again.
    if (this.#store.capabilities.trim) this.#changes.push(...applied);
    this.#isLoaded = true;
    return true;
  }

  #recordOf({ message, seqId, appendedAt }: TimelineEntry<Stored<M>>): LogRecord<Change> | undefined {
    if (message?.kind !== 'state') return undefined;
    const state = message.state as Change | SnapshotPart;
    if (!('snapshot' in state)) return { seqId, appendedAt, change: state };
    const { snapshot } = state;
    const through = BigInt(snapshot.through);
    const parts = this.#parts.get(through) ?? [];
    if (through > this.#base && !parts.some(({ part }) => part === snapshot.part))
      this.#parts.set(through, [...parts, snapshot]);
    return undefined;
  }

  /** A process that dies while it writes a snapshot leaves one without all parts. */
  #newestSnapshot(): bigint | undefined {
    let newest: bigint | undefined;
    for (const [through, parts] of this.#parts) {
      const isComplete = parts.length === parts[0]?.parts;
      if (isComplete && (newest === undefined || through > newest)) newest = through;
    }
    return newest;
  }

  #restore(through: bigint): void {
    const parts = [...(this.#parts.get(through) ?? [])].sort((a, b) => a.part - b.part);
    const items = parts.flatMap(({ state }) => state.items);
    this.#state.restore({ ...parts[0]?.state, items } as unknown as Snapshot);
    this.#base = through;
    for (const old of this.#parts.keys()) if (old <= through) this.#parts.delete(old);
  }
}

/** Another process wrote the record first. It stands. */
export function ignoreKeyConflict(error: unknown): void {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
}
