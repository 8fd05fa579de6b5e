import { randomBytes } from 'node:crypto';
import type { LibraryClock, LibraryOptions } from '../../src/adapter.js';
import type { Layout } from './layouts/layout.js';
import type { Settings } from './options.js';
import type { Requests } from './service/requests.js';
import type { DeferredWrites } from './tables/deferred-writes.js';
import { EntryTable } from './tables/entry-table.js';
import type { LibraryRecord } from './tables/library-record.js';
import { type Tables, timelineKey } from './tables/schema.js';
import { TimelineState } from './timeline-state.js';

/** Timelines that one handle remembers; the one used longest ago is forgotten first. */
const MAX_STATES = 10_000;

/** The parts of an open library that its operations share. */
export class Context {
  readonly requests: Requests;
  readonly tables: Tables;
  readonly record: LibraryRecord;
  readonly deferred: DeferredWrites;
  readonly options: LibraryOptions;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly clock: LibraryClock;
  /** Ids are dense and rows may hold several entries: `cas`. */
  readonly isDense: boolean;
  readonly entryTable: EntryTable;
  /** Random id of this handle, part of its tokens. */
  readonly handle = randomBytes(9).toString('base64url');
  readonly #states = new Map<string, TimelineState>();
  #tokens = 0;

  constructor(parts: Pick<Context, 'requests' | 'tables' | 'record' | 'deferred' | 'options' | 'settings'>) {
    const { requests, tables, record, deferred, options, settings } = parts;
    const { layout } = settings;
    const { clock } = options;
    this.requests = requests;
    this.tables = tables;
    this.record = record;
    this.deferred = deferred;
    this.options = options;
    this.settings = settings;
    this.layout = layout;
    this.clock = clock;
    this.isDense = settings.sequence === 'cas';
    const { isDense } = this;
    this.entryTable = new EntryTable({ requests, table: tables.entries, layout, isDense, record, clock, deferred });
    record.onReplaced(() => this.#states.clear());
  }

  get epoch(): string {
    return this.record.epoch;
  }

  /** Unique for each write of any handle; tells the epoch and the handle. */
  newToken(): string {
    return `${this.record.epochPrefix}.${this.handle}.${(this.#tokens++).toString(36)}`;
  }

  isOwnToken(token: string): boolean {
    return token.split('.')[1] === this.handle;
  }

  /** The tag by which the row of a write is found after an unknown outcome; `''`: it cannot be found. */
  recoveryTagOf(token: string, key: string | undefined): string {
    return this.layout.recoveryTagOf ? this.layout.recoveryTagOf(key) : token;
  }

  /** @throws `TIMELINE_INVALID_ARGUMENT` or `TIMELINE_TOO_LARGE` for an id that does not fit into the key columns. */
  state(timeline: string): TimelineState {
    const known = this.#states.get(timeline);
    const state = known ?? new TimelineState(timeline, timelineKey(this.layout, timeline), this.settings.settleMs);
    if (known) this.#states.delete(timeline);
    this.#states.set(timeline, state);
    if (this.#states.size > MAX_STATES) this.#states.delete(this.#states.keys().next().value as string);
    return state;
  }
}
