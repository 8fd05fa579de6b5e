import type { Fault } from './faults.js';

export interface EmulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `'127.0.0.1'`. */
  readonly host?: string;
  readonly instanceName?: string;
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
  /** A file that keeps all tables over a restart, even after `kill -9`. Absent: memory only. */
  readonly file?: string;
  /** The clock of versions, TTL and auto-increment ids, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** Seed of every random choice: gaps, delays and faults. Default 1. */
  readonly seed?: number;
  readonly autoIncrement?: Partial<AutoIncrementOptions>;
  readonly limits?: Partial<Limits>;
  /** How long a created table answers OTSTableNotReady, in milliseconds. Default 0. */
  readonly tableReadyAfterMs?: number;
  /** Beyond it table operations answer OTSQuotaExhausted; the service allows about 10. Default: no limit. */
  readonly tableOperationsPerSecond?: number;
  /** How far search indexes trail their table, in milliseconds. Default 100. */
  readonly searchLagMs?: number;
  /** What reads of a missing table answer; evidence of the service points both ways. Default `'OTSObjectNotExist'`. */
  readonly missingTableOnRead?: 'OTSObjectNotExist' | 'OTSParameterInvalid';
  /** Whether tables allow local transactions if their creation does not say, as the Node SDK's cannot. Default true. */
  readonly localTransactions?: boolean;
  readonly faults?: readonly Fault[];
}

export interface AutoIncrementOptions {
  /** No id is below it. Default: microseconds since 1970 at the time of the write. */
  readonly from: bigint;
  /** Each id skips a random number of values, at most this many. Default 8. */
  readonly maxGap: number;
  /** A row becomes visible a random time after it got its id, at most this late, so that smaller ids may appear after larger ones. Default 0. */
  readonly maxCommitDelayMs: number;
}

export interface Limits {
  /** Rows that one GetRange scans at most. */
  readonly pageRows: number;
  /** Bytes that one GetRange scans at most. */
  readonly pageBytes: number;
  readonly batchWriteRows: number;
  readonly batchGetRows: number;
  /** Bytes of rows that one write request holds at most. */
  readonly writeBytes: number;
  readonly bodyBytes: number;
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

/** Pseudo-random numbers from 0 (inclusive) to 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
