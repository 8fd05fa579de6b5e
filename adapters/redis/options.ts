import { resolveOptions } from '../../src/adapter-options.js';
import { invalidArgument } from '../../src/errors.js';

export interface RedisAdapterOptions {
  /** What all keys begin with; no braces. Default `'tl:'`. */
  readonly prefix?: string | undefined;
  /** Milliseconds that idempotency keys are remembered. Default: what stands; when the library is created, 7 days. */
  readonly keyWindowMs?: number | undefined;
  /**
   * Replicas that must have an append before it is acknowledged; one that fails to reach them in time is `outcome:
   * 'unknown'`. Default 0.
   */
  readonly waitReplicas?: number | undefined;
  /**
   * Appends are acknowledged once they are on the disk of the server itself (WAITAOF, Redis 7.2 and later). Default
   * false.
   */
  readonly waitAof?: boolean | undefined;
  /**
   * Milliseconds within which every call ends, opening and waiting for a failover or for `waitReplicas` included.
   * Default 5000.
   */
  readonly waitMs?: number | undefined;
  /**
   * Milliseconds between two looks for news in a Cluster, where no connection can wait on Timelines of several slots.
   * Default 50.
   */
  readonly wakeMs?: number | undefined;
  /**
   * Milliseconds between two rounds that remove what has expired; at most 5000 between two looks at settings and clock.
   * Default 5000.
   */
  readonly sweepMs?: number | undefined;
}

type Defaulted = Required<Omit<RedisAdapterOptions, 'keyWindowMs'>>;

export type RedisSettings = { readonly [name in keyof Defaulted]: NonNullable<Defaulted[name]> } & {
  /** Undefined: what stands. */
  readonly keyWindowMs: number | undefined;
};

export const DEFAULT_KEY_WINDOW_MS = 7 * 24 * 3_600_000;

const DEFAULTS: RedisSettings = {
  prefix: 'tl:',
  keyWindowMs: undefined,
  waitReplicas: 0,
  waitAof: false,
  waitMs: 5000,
  wakeMs: 50,
  sweepMs: 5000,
};

export function resolveSettings(options: RedisAdapterOptions): RedisSettings {
  const settings = resolveOptions('redisAdapter', DEFAULTS, options, { waitReplicas: 0 });
  if (/[{}]/.test(settings.prefix))
    throw invalidArgument('prefix', 'must not hold braces: they decide the slot of a key');
  return settings;
}
