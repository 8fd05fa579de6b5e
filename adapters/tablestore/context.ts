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
  /** Random id of this handle. */
  readonly handle: string;
  /** A unique token for a write: epoch prefix, handle and count, with a dot between them. */
  newToken(): string;
  /**
   * The state of a Timeline by its encoded id.
   *
   * @throws `TIMELINE_INVALID_ARGUMENT` or `TIMELINE_TOO_LARGE` for an id that does not fit into the key columns.
   */
  state(timeline: string): TimelineState;
}

export function createContext(base: LibraryBase): Context {
  const { layout, settings, record } = base;
  const entryTable = new EntryTable(base);
  const timelineRows = new TimelineRows(base);
  const states = new Map<string, TimelineState>();
  const handle = randomBytes(9).toString('base64url');
  let tokens = 0;
  record.onReplaced(() => states.clear());
  record.onTtlChanged(() => {
    for (const { bounds } of states.values()) bounds.forgetStart();
  });
  return {
    ...base,
    entryTable,
    timelineRows,
    bounds: new BoundsReader(base, entryTable, timelineRows),
    handle,
    newToken: () => `${record.epochPrefix}.${handle}.${(tokens++).toString(36)}`,
    state(timeline) {
      const state =
        states.get(timeline) ?? new TimelineState(timeline, timelineKey(layout, timeline), settings.settleMs);
      states.delete(timeline);
      states.set(timeline, state);
      if (states.size > MAX_STATES) states.delete(states.keys().next().value as string);
      return state;
    },
  };
}
