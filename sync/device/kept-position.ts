import type { Cursor, TimelineId } from '../../src/index.js';
import type { DeviceOptions } from '../types.js';
import type { ConversationPosition } from './conversation-position.js';
import type { StreamHeads } from './stream-heads.js';
import type { StreamPage, StreamPosition } from './stream-page.js';

export interface DeviceIdentity {
  readonly user: string;
  readonly device: string;
  readonly start: NonNullable<DeviceOptions['start']>;
}

/** Looks up what is to know before a page from these positions. */
export type ReadHeads = (positions: ReadonlyMap<string, ConversationPosition>) => Promise<StreamHeads>;

/** Makes the cursors of one reader's pages. */
export interface PageCursors {
  /** `true` if its cursors belong to pages that tell the device of a resync. */
  readonly resynced: boolean;
  /** The cursor after all pages so far. */
  readonly cursor: Cursor;
  /** Adds the next page. The returned function makes the cursor after the first `count` of its changes. */
  add(page: StreamPage<unknown>): Promise<(count: number) => Cursor>;
}

/** A position to read from, and what makes the cursors of the pages read. */
export interface OpenedPosition {
  readonly position: StreamPosition;
  readonly heads: StreamHeads;
  readonly cursors: PageCursors;
}

/** Keeps the position of one device: in the libraries, or in cursors that the client keeps. */
export interface KeptPosition {
  /** The Timeline of the position, whose head is looked up with the others. */
  readonly log: TimelineId | undefined;
  open(readHeads: ReadHeads): Promise<OpenedPosition>;
  /**
   * Reads changes of other processes. `heads` were looked up before a page. `true`: the device was forgotten or
   * resynced, and continues elsewhere. Open it again.
   */
  refresh(heads: StreamHeads): Promise<boolean>;
  /** Replaces the position by that of a device that begins with the `last` messages of each conversation. */
  rebuild(options: { readonly last: number; readonly isResync: boolean }): Promise<void>;
}

/** Returns the number of messages with which a new device begins; `undefined`: with all that is kept. */
export function lastOf(start: DeviceIdentity['start']): number | undefined {
  if (start === 'oldest') return undefined;
  return start === 'now' ? 0 : start.last;
}
