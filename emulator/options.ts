import type { Fault } from './faults.js';

/** Options of `startTablestoreEmulator`. */
export interface EmulatorOptions {
  /** Port to listen on. Default 0: any free port. */
  readonly port?: number;
  /** Address to listen on. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** Instance that requests must name. Default `'emulator'`. */
  readonly instanceName?: string;
  /** Access key id that requests must be signed with. Default `'emulator'`. */
  readonly accessKeyId?: string;
  /** Access key secret that requests must be signed with. Default `'emulator-secret'`. */
  readonly accessKeySecret?: string;
  /** File that keeps all tables over a restart, even after `kill -9`. Default: memory only. */
  readonly file?: string;
  /** Clock of versions, TTL and auto-increment ids, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** Seed of every random choice: gaps, delays and faults. Default 1. */
  readonly seed?: number;
  /** Auto-increment ids. */
  readonly autoIncrement?: Partial<AutoIncrementOptions>;
  /** Limits to change; the others are the service's. */
  readonly limits?: Partial<Limits>;
  /** Milliseconds during which a new table returns OTSTableNotReady. Default 0. */
  readonly tableReadyAfterMs?: number;
  /** Rate above which table operations return OTSQuotaExhausted; the service allows about 10. Default: no limit. */
  readonly tableOperationsPerSecond?: number;
  /** Milliseconds by which search indexes lag behind their table. Default 100. */
  readonly searchLagMs?: number;
  /** Error code for reads of a missing table; the service was seen to return both. Default `'OTSObjectNotExist'`. */
  readonly missingTableOnRead?: 'OTSObjectNotExist' | 'OTSParameterInvalid';
  /** Allows local transactions where CreateTable does not say, as with the Node SDK. Default true. */
  readonly localTransactions?: boolean;
  /** Faults to inject from the start. Default: none. */
  readonly faults?: readonly Fault[];
}

/** Options of auto-increment ids. */
export interface AutoIncrementOptions {
  /** Smallest id. Default: microseconds since 1970 at the time of the write. */
  readonly from: bigint;
  /** Maximum number of values that each id skips at random. Default 8. */
  readonly maxGap: number;
  /**
   * Maximum random delay between the assignment of an id and the visibility of its row, in milliseconds, so that a
   * smaller id may appear after a larger one. Default 0.
   */
  readonly maxCommitDelayMs: number;
}

/** Limits of the emulated service. */
export interface Limits {
  /** Maximum rows that one GetRange scans. Default 5000. */
  readonly pageRows: number;
  /** Maximum bytes that one GetRange scans. Default 4 MiB. */
  readonly pageBytes: number;
  /** Maximum rows of one BatchWriteRow. Default 200. */
  readonly batchWriteRows: number;
  /** Maximum rows of one BatchGetRow. Default 100. */
  readonly batchGetRows: number;
  /** Maximum row bytes of one write request. Default 4 MiB. */
  readonly writeBytes: number;
  /** Maximum bytes of one request body. Default 5 MiB. */
  readonly bodyBytes: number;
  /** Maximum number of tables. Default 64. */
  readonly tables: number;
}

export const SERVICE_LIMITS: Limits = {
  pageRows: 5000,
  pageBytes: 4 * 1024 * 1024,
  batchWriteRows: 200,
  batchGetRows: 100,
  writeBytes: 4 * 1024 * 1024,
  bodyBytes: 5 * 1024 * 1024,
  tables: 64,
};

/** Returns a generator of pseudo-random numbers in [0, 1), reproducible by seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
