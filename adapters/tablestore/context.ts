import { randomBytes } from 'node:crypto';
import { BoundsReader } from './read/bounds.js';
import { EntryTable } from './tables/entry-table.js';
import type { LibraryBase } from './tables/open.js';
import { timelineKey } from './tables/schema.js';
import { TimelineRows } from './tables/timeline-rows.js';
import { TimelineState } from './timeline-state.js';

/** Timelines that one handle remembers; the one used longest ago is forgotten first. */
const MAX_STATES = 10_000;

/** The parts of an open library that its operations share. */
export interface Context extends LibraryBase {
  readonly entryTable: EntryTable;
  readonly timelineRows: TimelineRows;
  readonly bounds: BoundsReader;
  readonly tokens: Tokens;
  /**
   * The state of a Timeline by its encoded id.
   *
   * @throws `TIMELINE_INVALID_ARGUMENT` or `TIMELINE_TOO_LARGE` for an id that does not fit into the key columns.
   */
  state(timeline: string): TimelineState;
}

export function createContext(base: LibraryBase): Context {
  const entryTable = new EntryTable(base);
  const timelineRows = new TimelineRows(base);
  const bounds = new BoundsReader(base, entryTable, timelineRows);
  const states = new Map<string, TimelineState>();
  base.record.onReplaced(() => states.clear());
  const state = (timeline: string): TimelineState => {
    const { layout, settings } = base;
    const found = states.get(timeline) ?? new TimelineState(timeline, timelineKey(layout, timeline), settings.settleMs);
    states.delete(timeline);
    states.set(timeline, found);
    if (states.size > MAX_STATES) states.delete(states.keys().next().value as string);
    return found;
  };
  return { ...base, entryTable, timelineRows, bounds, tokens: new Tokens(base), state };
}

/** Makes a unique token for each write; it tells the epoch and the handle. */
export class Tokens {
  readonly #base: LibraryBase;
  #count = 0;
  /** Random id of this handle. */
  readonly handle = randomBytes(9).toString('base64url');

  constructor(base: LibraryBase) {
    this.#base = base;
  }

  next(): string {
    return `${this.#base.record.epochPrefix}.${this.handle}.${(this.#count++).toString(36)}`;
  }

  isOwn(token: string): boolean {
    return token.split('.')[1] === this.handle;
  }
}
