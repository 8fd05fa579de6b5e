import { resolveOptions } from '../../src/adapter-options.js';
import { invalidArgument } from '../../src/errors.js';

export interface SqliteAdapterOptions {
  /**
   * Default `'full'`: an acknowledged message survives a power loss; appends made together share the sync, so that this is
   * cheap under load. `'normal'`: several times faster one by one, may lose the last moments on a power loss, never corrupts:
   * for libraries that can be built again. Set on an injected handle too.
   */
  readonly synchronous?: 'full' | 'normal' | undefined;
  /**
   * Milliseconds within which every call ends, opening included, whoever holds a lock or pins the log: then `TIMELINE_BUSY`.
   * Default 5000; less than 100 counts as 100.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * Milliseconds that idempotency keys are remembered. Default: what the library was created with, 7 days where it is
   * created; another number is refused without `alter: true`.
   */
  readonly keyWindowMs?: number | undefined;
  /** Opens an existing file for reading only. Default false; an injected handle knows for itself. */
  readonly readonly?: boolean | undefined;
  /** Milliseconds between two looks for commits of other processes, while someone waits for any. Default 25. */
  readonly wakeMs?: number | undefined;
  /** Milliseconds between two looks for what has expired or was trimmed. Default 1000. */
  readonly sweepMs?: number | undefined;
  /** Bytes of write-ahead log beyond which the next write waits, without holding the event loop, until it is shortened. Default 16 MiB. */
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

export function resolveSettings(options: SqliteAdapterOptions): SqliteSettings {
  const settings = resolveOptions('sqliteAdapter', DEFAULTS, options, { busyTimeoutMs: 0 });
  if (settings.synchronous !== 'full' && settings.synchronous !== 'normal') {
    throw invalidArgument('synchronous', "must be 'full' or 'normal'");
  }
  return { ...settings, busyTimeoutMs: Math.max(LEAST_BUDGET_MS, settings.busyTimeoutMs) };
}
