import { resolveOptions } from '../../src/adapter-options.js';
import type { Nullable } from '../../src/entry-types.js';
import { invalidArgument } from '../../src/errors.js';

/** Options of `sqliteAdapter`; all have defaults. */
export interface SqliteAdapterOptions {
  /**
   * Default `'full'`: an acknowledged message survives a power loss. Appends made together share the sync, which makes
   * it cheap under load. `'normal'`: several times faster for appends one by one; a power loss may cost the last
   * moments, and never corrupts. Use it for libraries that can be built again. It is set on a handle of yours too.
   */
  readonly synchronous?: 'full' | 'normal' | undefined;
  /**
   * Milliseconds within which every call ends, opening included; `TIMELINE_BUSY` if a lock or a pinned log lasts
   * longer. Default 5000; less than 100 counts as 100.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * Milliseconds that idempotency keys are remembered. Default: as the library was created, 7 days for a new one.
   * Another number than the library has is refused without `alter: true`.
   */
  readonly keyWindowMs?: number | undefined;
  /** Opens an existing file for reading only. Default false. Ignored for a handle of yours, which says so itself. */
  readonly readonly?: boolean | undefined;
  /** Milliseconds between two checks for commits of other processes, while a subscription waits. Default 25. */
  readonly wakeMs?: number | undefined;
  /** Milliseconds between removals of expired and trimmed entries. Default 1000. */
  readonly sweepMs?: number | undefined;
  /**
   * Bytes of write-ahead log beyond which the next write waits until the log is shortened, without holding the event
   * loop. Default 16 MiB.
   */
  readonly walSoftBytes?: number | undefined;
  /** Bytes of write-ahead log beyond which writes fail with `TIMELINE_BUSY` while a reader pins it. Default 256 MiB. */
  readonly walHardBytes?: number | undefined;
}

export type SqliteSettings = {
  readonly [name in keyof SqliteAdapterOptions]-?: name extends 'keyWindowMs'
    ? number | undefined
    : NonNullable<SqliteAdapterOptions[name]>;
};

const LEAST_BUDGET_MS = 100;
const DEFAULTS: SqliteSettings = {
  synchronous: 'full',
  busyTimeoutMs: 5000,
  keyWindowMs: undefined,
  readonly: false,
  wakeMs: 25,
  sweepMs: 1000,
  walSoftBytes: 16 * 2 ** 20,
  walHardBytes: 256 * 2 ** 20,
};

export function resolveSettings(options: Nullable<SqliteAdapterOptions> | null | undefined): SqliteSettings {
  const settings = resolveOptions('sqliteAdapter', DEFAULTS, options, { busyTimeoutMs: 0 });
  if (settings.synchronous !== 'full' && settings.synchronous !== 'normal') {
    throw invalidArgument('synchronous', "must be 'full' or 'normal'");
  }
  return { ...settings, busyTimeoutMs: Math.max(LEAST_BUDGET_MS, settings.busyTimeoutMs) };
}
