import { randomBytes } from 'node:crypto';
import type { LibraryClock, LibraryOptions } from '../../src/adapter.js';
import type { Later } from './append/deferred-writes.js';
import type { Layout, StoredEntry, StoredRow } from './layouts/layout.js';
import type { Settings } from './options.js';
import type { Requests } from './service/requests.js';
import type { KeyPart, StoredRecord } from './service/values.js';
import type { LibraryRecord } from './tables/library-record.js';
import type { Tables } from './tables/schema.js';
import { timelineKey } from './tables/timeline-key.js';
import { TimelineState } from './timeline-state.js';

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
  readonly trimmed: boolean;
  /** Trimmed or expired: not for readers. */
  readonly gone: boolean;
}

/** What the parts of one open library share. */
export class Context {
  readonly layout: Layout;
  /** Ids are dense and their rows may hold several entries: the numbering `cas`. */
  readonly dense: boolean;
  readonly clock: LibraryClock;
  /** Of this handle, in its tokens. */
  readonly handle = randomBytes(9).toString('base64url');
  readonly #states = new Map<string, TimelineState>();
  #tokens = 0;

  constructor(
    readonly requests: Requests,
    readonly tables: Tables,
    readonly record: LibraryRecord,
    readonly later: Later,
    readonly options: LibraryOptions,
    readonly settings: Settings & { readonly layout: Layout },
  ) {
    this.layout = settings.layout;
    this.dense = settings.sequence === 'cas';
    this.clock = options.clock;
    record.onRenewed(() => this.#states.clear());
  }

  get epoch(): string {
    return this.record.epoch;
  }

  /** Undefined: for ever. */
  get ttlMs(): number | undefined {
    return this.record.settings.ttlMs ?? undefined;
  }

  /** Keys of entries appended at or before it are forgotten. */
  keysSince(): number {
    const { keyWindowMs } = this.record.settings;
    return keyWindowMs === null ? Number.NEGATIVE_INFINITY : this.clock.expiryTime() - keyWindowMs;
  }

  /** Entries appended at or before it have expired; below all times if there is no TTL. */
  cutoff(): number {
    return this.ttlMs === undefined ? Number.NEGATIVE_INFINITY : this.clock.expiryTime() - this.ttlMs;
  }

  /** Unique for each write of any handle; tells the epoch and the handle. */
  token(): string {
    return `${this.record.mark}.${this.handle}.${(this.#tokens++).toString(36)}`;
  }

  /** A write of this handle has this token. */
  isOwn(token: string): boolean {
    return token.split('.')[1] === this.handle;
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
    const { entries, at: given, token, trimmedThrough = 0n } = this.layout.decode(record.columns, rowId);
    if (token !== undefined && !this.layout.shared) this.record.sawToken(token);
    const at = this.clock.isFuture(given) ? this.#heal(record, given) : given;
    const expired = at <= this.cutoff();
    return entries.map((stored, i) => {
      const seqId = rowId + BigInt(i);
      const trimmed = seqId <= trimmedThrough;
      return { seqId, rowId, at, stored, token, trimmed, gone: expired || trimmed };
    });
  }

  /** Law Expiry: no clock that was right gave this time, and with it the entry and all behind it would stay. */
  #heal({ key }: StoredRecord, given: number): number {
    const at = this.clock.expiryTime();
    const column = this.layout.timeColumn;
    const put = [{ name: column, value: BigInt(at) }];
    const condition = [{ column, is: 'EQUAL', value: BigInt(given), passIfMissing: true } as const];
    this.later.add({ table: this.tables.entries, key, type: 'UPDATE', put, expect: 'exists', condition });
    return at;
  }

  /** A row, and the place of one of its entries in it. */
  decode(record: StoredRecord): StoredRow {
    return this.layout.decode(record.columns, rowIdOf(record));
  }

  /** Cells of new rows have the service's time as their version, which is the time of the entry; unless the caller's clock counts alone. */
  versionOf(at: number): number | undefined {
    return this.clock.trustsNow ? at : undefined;
  }

  /**
   * A changed cell goes with its row: by the same TTL. A smaller version than the row's would not be seen. A table that is another
   * program's may have a narrow version deviation, which refuses both long after the entry was written.
   */
  changeVersionOf({ columns }: StoredRecord): number | undefined {
    if (this.layout.shared || columns.length === 0) return undefined;
    return columns.reduce((newest, { version }) => Math.max(newest, version), 0);
  }
}

export function rowIdOf(record: StoredRecord): bigint {
  return record.key.at(-1) as bigint;
}
