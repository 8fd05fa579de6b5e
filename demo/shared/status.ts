/** JSON that the demo's supervisor sends to the page. */

/** Stores that the demo runs on. */
export type StoreName = 'memory' | 'sqlite' | 'redis' | 'tablestore';

/** State of the chat server's process. */
export type ServerState = 'starting' | 'up' | 'down';

/** Sent on the status stream whenever it changes. */
export interface DemoStatus {
  readonly store: StoreName;
  readonly server: ServerState;
  /** Milliseconds since 1970 at which the server went down; absent while it is not down. */
  readonly downSince?: number;
  /** Why the process ended: a signal's name, or its exit code. Absent while it is not down. */
  readonly ended?: string;
  /** Devices whose network is cut, as `user/device`. */
  readonly cut: readonly string[];
  /** False for a store that lives in the chat server's process. */
  readonly survivesKill: boolean;
  /** Milliseconds that inbox entries are kept. */
  readonly ttlMs: number;
}
