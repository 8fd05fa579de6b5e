import { randomBytes } from 'node:crypto';
import type { LibraryOptions } from '../../src/adapter.js';
import type { Layout, StoredEntry, StoredRow } from './layout.js';
import type { Settings } from './options.js';
import type { Requests } from './requests.js';
import type { Tables } from './tables.js';
import { timelineKey } from './timeline-key.js';
import { TimelineState } from './timeline-state.js';
import type { KeyPart, StoredRecord } from './values.js';

/** Timelines of which a handle remembers what it knows. */
const MOST_STATES = 10_000;

/** An entry as it was found. */
export interface Found {
  readonly seqId: bigint;
  /** The id of the row that holds it: the same, unless the row holds several. */
  readonly rowId: bigint;
  readonly at: number;
  readonly stored: StoredEntry;
  /** Of the write that made the row. */
  readonly token: string | undefined;
  /** Trimmed or expired: not for readers. */
  readonly gone: boolean;
}

/** What the parts of one open library share. */
export class Context {
  readonly layout: Layout;
  /** Ids are dense and their rows may hold several entries: the numbering `cas`. */
  readonly dense: boolean;
  readonly now: () => number;
  /** What the tokens of this handle begin with. */
  readonly handle = randomBytes(9).toString('base64url');
  readonly #states = new Map<string, TimelineState>();
  #tokens = 0;

  constructor(
    readonly requests: Requests,
    readonly tables: Tables & { readonly epoch: string },
    readonly options: LibraryOptions,
    readonly settings: Settings & { readonly layout: Layout },
  ) {
    this.layout = settings.layout;
    this.dense = settings.sequence === 'cas';
    this.now = () => options.clock.entryTime();
  }

  get epoch(): string {
    return this.tables.epoch;
  }

  /** Entries appended at or before it have expired; below all times if there is no TTL. */
  cutoff(): number {
    return this.options.ttlMs === undefined ? Number.NEGATIVE_INFINITY : this.now() - this.options.ttlMs;
  }

  /** Unique for each write of any handle. */
  token(): string {
    return `${this.handle}.${(this.#tokens++).toString(36)}`;
  }

  /** What the row of a write with this token and key is found by; `''`: nothing. */
  markOf(token: string, key: string | undefined): string {
    return this.layout.tokenOf ? this.layout.tokenOf(key) : token;
  }

  /** Throws for an id that has no place in the key columns. */
  state(timeline: string): TimelineState {
    const known = this.#states.get(timeline);
    if (known) {
      this.#states.delete(timeline);
      this.#states.set(timeline, known);
      return known;
    }
    const state = new TimelineState(timeline, timelineKey(this.layout, timeline), this.settings.settleMs);
    this.#states.set(timeline, state);
    if (this.#states.size > MOST_STATES) this.#states.delete(this.#states.keys().next().value as string);
    return state;
  }

  readonly rowKey = (state: TimelineState, row: KeyPart): readonly KeyPart[] => [...state.key, row];

  /** The entries of a row, in order. */
  entriesOf(record: StoredRecord): Found[] {
    const rowId = rowIdOf(record);
    const { entries, at, token, trimmedThrough = 0n } = this.layout.decode(record.columns, rowId);
    const expired = at <= this.cutoff();
    return entries.map((stored, i) => {
      const seqId = rowId + BigInt(i);
      return { seqId, rowId, at, stored, token, gone: expired || seqId <= trimmedThrough };
    });
  }

  /** A row, and the place of one of its entries in it. */
  decode(record: StoredRecord): StoredRow {
    return this.layout.decode(record.columns, rowIdOf(record));
  }

  /** Cells are written with the entry's time as their version where a TTL counts from it, or nothing else tells it. */
  versionOf(at: number): number | undefined {
    return this.options.ttlMs === undefined && this.layout.timeColumn !== undefined ? undefined : at;
  }

  /** The same for a change of an entry, which a table with a narrow version deviation would refuse long after the entry was written. */
  changeVersionOf(at: number): number | undefined {
    return this.layout.shared ? undefined : this.versionOf(at);
  }
}

export function rowIdOf(record: StoredRecord): bigint {
  return record.key.at(-1) as bigint;
}
