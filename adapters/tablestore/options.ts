import { resolveOptions } from '../../src/adapter-options.js';
import type { Nullable } from '../../src/entry-types.js';
import { invalidArgument } from '../../src/errors.js';
import { describeValue } from '../../src/text.js';
import { type JavaV1Options, javaV1Layout } from './layouts/java-v1.js';
import { type JavaV2Options, javaV2Layout } from './layouts/java-v2.js';
import type { Layout } from './layouts/layout.js';
import { nativeLayout } from './layouts/native.js';
import type { TableStoreSdk } from './service/client.js';

/** How the entries of a library get their SeqIds; fixed when its tables are created. */
export type Sequence = 'auto' | 'cas' | 'manual';

/** The columns of an entry: the adapter's own, or those of a version of the Java library, in the same tables. */
export type LayoutOption =
  | 'native'
  | 'java-v1'
  | 'java-v2'
  | ({
      /** Columns of version 1 of the Java library. */
      readonly type: 'java-v1';
    } & JavaV1Options)
  | ({
      /** Columns of version 2 of the Java library. */
      readonly type: 'java-v2';
    } & JavaV2Options);

/**
 * Any channel that carries short strings between processes; it wakes their subscriptions at once.
 *
 * @example
 * const wake: WakeChannel = {
 *   publish: (topic) => nats.publish('timelines', topic),
 *   subscribe(listener) {
 *     const subscription = nats.subscribe('timelines', { callback: (_, message) => listener(message.string()) });
 *     return () => subscription.unsubscribe();
 *   },
 * };
 */
export interface WakeChannel {
  /**
   * Called after each append with a string that names library and Timeline. May fail or lose it: wake-ups are hints.
   */
  publish(topic: string): unknown;
  /** Calls `listener` with every topic that any process publishes. Returns the function that ends it. */
  subscribe(listener: (topic: string) => void): () => void;
}

/** Options of `tablestoreAdapter`; all have defaults. */
export interface TableStoreAdapterOptions {
  /**
   * `'cas'`: dense ids by conditional puts; every law holds. `'auto'`: ids of the service, with gaps; many writers
   * without conflicts. `'manual'`: ids chosen by the caller. Default `'cas'`; under a Java layout, which cannot have
   * it, `'auto'`.
   */
  readonly sequence?: Sequence | undefined;
  /** The columns of an entry. Default `'native'`, the adapter's own. */
  readonly layout?: LayoutOption | undefined;
  /**
   * `timeline.drop()` is possible, for which every call first reads a row for each of its Timelines. Fixed when the
   * library is created; not under a Java layout. Default: the library's setting; `false` for a new library.
   */
  readonly drop?: boolean | undefined;
  /** Milliseconds that idempotency keys are remembered. Default: the library's setting; 1 day for a new library. */
  readonly keyWindowMs?: number | undefined;
  /**
   * In `auto` and `manual`: milliseconds by which an entry may become visible after one with a larger id. 0 trusts the
   * order. Default 100.
   */
  readonly settleMs?: number | undefined;
  /** Milliseconds between two polls of a busy Timeline that is watched. Default 50. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between two polls of an idle Timeline; the interval grows from `pollMs` to this. Default 1000. */
  readonly idlePollMs?: number | undefined;
  /**
   * Milliseconds within which every call ends, with all its attempts. An attempt without an answer ends after a third
   * of it. Default 10,000.
   */
  readonly timeoutMs?: number | undefined;
  /** Requests that each library may have under way at once. Default 32. */
  readonly parallel?: number | undefined;
  /** Wakes subscriptions in other processes before their next poll. Default: none. */
  readonly wake?: WakeChannel | undefined;
  /** The `tablestore` package that made the client. Default: the installed one. */
  readonly sdk?: TableStoreSdk | undefined;
}

/** The options after validation, with their defaults. */
export interface Settings {
  readonly sequence: Sequence;
  readonly layout: Layout;
  /** Undefined: the library's stored setting. */
  readonly drop: boolean | undefined;
  /** Undefined: the library's stored setting. */
  readonly keyWindowMs: number | undefined;
  readonly settleMs: number;
  readonly pollMs: number;
  readonly idlePollMs: number;
  readonly timeoutMs: number;
  readonly parallel: number;
}

const DEFAULTS: Omit<Settings, 'layout' | 'drop'> = {
  sequence: 'cas',
  keyWindowMs: undefined,
  settleMs: 100,
  pollMs: 50,
  idlePollMs: 1000,
  timeoutMs: 10_000,
  parallel: 32,
};

export function resolveSettings(given: Nullable<TableStoreAdapterOptions>): Settings {
  const { layout: option, drop: dropOption, wake, sdk, ...options } = given;
  const layout = resolveLayout(option ?? undefined);
  const defaults = layout.shared ? { ...DEFAULTS, sequence: 'auto' as const } : DEFAULTS;
  const settings = resolveOptions('tablestoreAdapter', defaults, options, { settleMs: 0 });
  if (!['auto', 'cas', 'manual'].includes(settings.sequence)) {
    throw invalidArgument('sequence', `must be 'auto', 'cas' or 'manual', not ${JSON.stringify(settings.sequence)}`);
  }
  if (settings.sequence === 'cas' && layout.shared) {
    throw invalidArgument('layout', `of ${layout.name} has no place for several entries in a row, which 'cas' needs`);
  }
  const drop = dropOption ?? undefined;
  if (drop !== undefined && typeof drop !== 'boolean')
    throw invalidArgument('drop', `must be a boolean, not ${describeValue(drop)}`);
  if (drop && layout.shared) throw invalidArgument('drop', `is not possible with the layout ${layout.name}`);
  return { ...settings, layout, drop };
}

function resolveLayout(option: LayoutOption = 'native'): Layout {
  if (option === 'native') return nativeLayout;
  if (option === 'java-v1') return javaV1Layout();
  if (option === 'java-v2') return javaV2Layout();
  if (option?.type === 'java-v1') return javaV1Layout(option);
  if (option?.type === 'java-v2') return javaV2Layout(option);
  throw invalidArgument('layout', `must be 'native', 'java-v1' or 'java-v2', not ${describeValue(option)}`);
}
