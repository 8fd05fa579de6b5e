import type { CommitWatch } from './commit-watch.js';
import type { Connection } from './file/connection.js';
import type { OpenDatabase } from './file/database.js';
import type { HeadCache } from './heads.js';
import type { LibraryState } from './library-state.js';
import { FutureTimes } from './sweep/future-times.js';
import { Removal } from './sweep/removal.js';

/** Shared by the parts of one open library. */
export class LibraryContext {
  readonly id: number;
  readonly state: LibraryState;
  readonly connection: Connection;
  readonly commitWatch: CommitWatch;
  readonly heads: HeadCache;
  readonly futureTimes: FutureTimes;
  readonly removal: Removal;

  constructor(state: LibraryState, { connection, commitWatch }: OpenDatabase) {
    const { database } = connection;
    this.id = state.id;
    this.state = state;
    this.connection = connection;
    this.commitWatch = commitWatch;
    this.heads = connection.headsOf(state.id);
    this.futureTimes = new FutureTimes(database, this.heads, state.clock);
    this.removal = new Removal(database, this.heads);
  }
}
