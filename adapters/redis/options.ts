import { resolveOptions } from '../../src/adapter-options.js';
import type { Nullable } from '../../src/entry-types.js';
import { invalidArgument } from '../../src/errors.js';

/** Options of `redisAdapter`; all have defaults. */
export interface RedisAdapterOptions {
  /** In front of all keys; no braces. Default `'tl:'`. */
  readonly prefix?: string | undefined;
  /**
   * Milliseconds that idempotency keys are remembered. Default: the setting of the library; when the library is
   * created, 7 days.
   */
  readonly keyWindowMs?: number | undefined;
  /**
   * Replicas that must have an append before it is acknowledged; an append that does not reach them in time fails with
   * `outcome: 'unknown'`. Default 0.
   */
  readonly waitReplicas?: number | undefined;
  /**
   * Acknowledge an append once it is on the disk of the server (WAITAOF, Redis 7.2 and later). Default false.
   */
  readonly waitAof?: boolean | undefined;
  /**
   * Milliseconds within which every call ends, opening and waiting for a failover or for `waitReplicas` included.
   * Default 5000.
   */
  readonly waitMs?: number | undefined;
  /**
   * Milliseconds between two polls for new entries in a Cluster, where no connection can wait on Timelines of several
   * slots. Default 50.
   */
  readonly wakeMs?: number | undefined;
  /**
   * Milliseconds between two sweeps, which remove what has expired. Settings and clock are read again as often, and at
   * least every 5000 ms. Default 5000.
   */
  readonly sweepMs?: number | undefined;
}

type Defaulted = Required<Omit<RedisAdapterOptions, 'keyWindowMs'>>;

export type ResolvedOptions = { readonly [name in keyof Defaulted]: NonNullable<Defaulted[name]> } & {
  readonly keyWindowMs: number | undefined;
};

export const DEFAULT_KEY_WINDOW_MS = 7 * 24 * 3_600_000;

const DEFAULTS: ResolvedOptions = {
  prefix: 'tl:',
  keyWindowMs: undefined,
  waitReplicas: 0,
  waitAof: false,
  waitMs: 5000,
  wakeMs: 50,
  sweepMs: 5000,
};

/** Fills in the defaults. `TIMELINE_INVALID_ARGUMENT` for an option that does not exist or does not fit. */
export function resolveRedisOptions(given: Nullable<RedisAdapterOptions> | null | undefined): ResolvedOptions {
  const options = resolveOptions('redisAdapter', DEFAULTS, given, { waitReplicas: 0 });
  if (/[{}]/.test(options.prefix))
    throw invalidArgument('prefix', 'must not hold braces: they decide the slot of a key');
  return options;
}
