import type { LibraryClock, LibraryOptions } from '../../../src/adapter.js';
import type { Layout } from '../layouts/layout.js';
import type { Settings } from '../options.js';
import type { Requests } from '../service/requests.js';
import type { DeferredWrites } from './deferred-writes.js';
import type { LibraryRecord } from './library-record.js';
import type { Tables } from './schema.js';

/** The tables of an open library and the settings that they were opened with. */
export interface LibraryBase {
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
}
