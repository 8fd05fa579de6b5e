import { resolveOptions } from '../../src/adapter-options.js';
import { invalidArgument } from '../../src/errors.js';
import type { Layout } from './layouts/layout.js';
import type { LayoutOption } from './layouts/resolve.js';
import type { TableStoreSdk } from './service/client.js';

/** Who numbers the entries of a library; fixed when its tables are made. */
export type Sequence = 'auto' | 'cas' | 'manual';

/** Wakes subscriptions of other processes at once: any channel between processes that carries short strings. */
export interface WakeChannel {
  /** Called after each append, with the library and the Timeline in one string. May fail or lose it: wake-ups are hints. */
  publish(topic: string): unknown;
  /** Calls `listener` with every topic published, by any process; returns the function that ends it. */
  subscribe(listener: (topic: string) => void): () => void;
}

export interface TableStoreAdapterOptions {
  /**
   * `'cas'`: dense ids by conditional puts; every law holds. `'auto'`: ids of the service, many writers without conflicts, gaps.
   * `'manual'`: ids chosen by the caller. Default `'cas'`, which the layouts of the Java library do not have: there `'auto'`.
   */
  readonly sequence?: Sequence | undefined;
  /** How entries lie in the table. Default: the adapter's own. */
  readonly layout?: LayoutOption | undefined;
  /** Milliseconds that idempotency keys are remembered. Default: what the library was created with, 1 day where it is created. */
  readonly keyWindowMs?: number | undefined;
  /** With `auto` and `manual`: how late, in milliseconds, an entry may become visible after one with a larger id. 0 trusts the order. Default 100. */
  readonly settleMs?: number | undefined;
  /** Milliseconds between two looks for news while a Timeline is lively; up to `idlePollMs` when it is not. Default 50. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between two looks at a Timeline on which nothing happens. Default 1000. */
  readonly idlePollMs?: number | undefined;
  /** Milliseconds within which every call ends, all its attempts together; one that goes without answer ends after a third. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Requests under way at once, of each library. Default 32. */
  readonly parallel?: number | undefined;
  /** Wakes subscriptions in other processes without waiting for their next look. */
  readonly wake?: WakeChannel | undefined;
  /** The `tablestore` package that the client is made with, where it is not the one that this package finds. */
  readonly sdk?: TableStoreSdk | undefined;
}

export interface Settings {
  readonly sequence: Sequence;
  /** Undefined: what stands. */
  readonly keyWindowMs: number | undefined;
  readonly settleMs: number;
  readonly pollMs: number;
  readonly idlePollMs: number;
  readonly timeoutMs: number;
  readonly parallel: number;
}

const DEFAULTS: Settings = {
  sequence: 'cas',
  keyWindowMs: undefined,
  settleMs: 100,
  pollMs: 50,
  idlePollMs: 1000,
  timeoutMs: 10_000,
  parallel: 32,
};

export function resolveSettings(
  { layout: _, wake, sdk, ...options }: TableStoreAdapterOptions,
  layout: Layout,
): Settings {
  const defaults = layout.packs ? DEFAULTS : { ...DEFAULTS, sequence: 'auto' as const };
  const settings = resolveOptions('tablestoreAdapter', defaults, options, { settleMs: 0 });
  if (!['auto', 'cas', 'manual'].includes(settings.sequence)) {
    throw invalidArgument('sequence', `must be 'auto', 'cas' or 'manual', not ${JSON.stringify(settings.sequence)}`);
  }
  if (settings.sequence === 'cas' && !layout.packs) {
    throw invalidArgument('layout', `of ${layout.name} has no place for several entries in a row, which 'cas' needs`);
  }
  return settings;
}
