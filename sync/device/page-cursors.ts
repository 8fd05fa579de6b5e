import type { Cursor } from '../../src/index.js';
import type { StreamPage } from './stream-page.js';

/** Makes the cursors of one reader's pages. */
export interface PageCursors {
  /** `true` if its cursors belong to pages that tell the device of a resync. */
  readonly resynced: boolean;
  /** The cursor after all pages so far. */
  readonly cursor: Cursor;
  /** Adds the next page. The returned function makes the cursor after the first `count` of its changes. */
  add(page: StreamPage<unknown>): Promise<(count: number) => Cursor>;
}
