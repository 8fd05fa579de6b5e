import type { AdapterLibrary, AdapterWarning, TimelineAdapter } from './adapter.js';
import { checkLibrary } from './adapter-shape.js';
import { Appender } from './append.js';
import { AppendQueue } from './append-queue.js';
import { boundedBy, DEFAULT_BUDGET_MS, MAX_TIMER_MS, noAnswer } from './budget.js';
import { AcceptedClock, readClock } from './clock.js';
import { jsonCodec } from './codec.js';
import { checkOnUndecodable } from './decode.js';
import type { Nullable } from './entry-types.js';
import { invalidArgument } from './errors.js';
import { checkFields, type OptionNames } from './options.js';
import { checkCount } from './range.js';
import { type RetryOptions, type RetryPolicy, retryPolicy } from './retry.js';
import type { StandardSchemaV1 } from './schema.js';
import { normalized, Session, unsupported } from './session.js';
import { Store } from './store.js';
import { Tails } from './tails.js';
import { checkFunction, checkText, describeValue } from './text.js';
import type { Codec, PendingLimits, TimelineStore, TimelineStoreOptions } from './types.js';
import type { OnUndecodable } from './undecodable.js';

const MAX_NAME_BYTES = 255;
const MIB = 1024 * 1024;
const DEFAULT_CLOCK_TOLERANCE_MS = 300_000;
/** A smaller tolerance than the steps in which a machine sets its clock would hold time back for good. */
const LEAST_CLOCK_TOLERANCE_MS = 1000;

/**
 * Opens a library and creates missing tables or keys. Idempotent, and safe from several processes at once.
 *
 * Throws `TIMELINE_INVALID_ARGUMENT` for invalid options, and for options that differ from the stored settings
 * (`expected`, `actual`) without `alter: true`; `TIMELINE_UNSUPPORTED` for a `ttlMs` that the adapter does not support;
 * the adapter's error if its store cannot be used.
 *
 * @example
 * ```ts
 * const store = await openTimelineStore<Message>({ adapter: sqliteAdapter('chat.db'), name: 'store' });
 * await store.timeline('group:42').append({ from: 'ann', text: 'lunch?' }, { key: 'ann-1' });
 * ```
 */
export async function openTimelineStore<M>(options: Nullable<TimelineStoreOptions<M>>): Promise<TimelineStore<M>> {
  const { adapter, name, settings, schema, codec, onUndecodable } = checkStoreOptions(options);
  const { ttlMs, alter, warn } = settings;
  const clock = new AcceptedClock(settings);
  const library = await openLibrary(adapter, { name, ttlMs, alter, clock, warn });
  await refuseTtl(library, ttlMs);
  const session = new Session(library, settings);
  const queue = new AppendQueue(session, settings);
  const appender = new Appender(session, queue, codec, schema);
  const tails = new Tails(session, codec, clock);
  return new Store(name, { session, appender, tails, codec, schema, onUndecodable }, queue);
}

/** Fails at the end of the adapter's budget, and closes a library that opens later. */
async function openLibrary(
  adapter: TimelineAdapter,
  options: Parameters<TimelineAdapter['open']>[0],
): Promise<AdapterLibrary> {
  const { budgetMs = DEFAULT_BUDGET_MS } = adapter;
  let isLate = false;
  const late = () => {
    isLate = true;
    return noAnswer(adapter.name, budgetMs, 'not-applied');
  };
  const library = await boundedBy(performance.now() + budgetMs * 1.05, late, () =>
    normalized(async () => {
      const opened = await adapter.open(options);
      if (isLate) await opened.close({ deadline: performance.now() + budgetMs });
      return opened;
    }, 'not-applied'),
  );
  checkLibrary(adapter.name, library);
  return library;
}

interface Settings {
  readonly ttlMs: number | undefined;
  readonly alter: boolean;
  readonly now: () => number;
  readonly toleranceMs: number;
  readonly warn: (warning: AdapterWarning) => void;
  readonly retry: RetryPolicy;
  readonly pollMs: number;
  readonly pendingWrites: number;
  readonly pendingBytes: number;
}

const NAMES: OptionNames<TimelineStoreOptions<unknown>> = {
  ...{ adapter: true, name: true, ttlMs: true, alter: true, schema: true, codec: true, onUndecodable: true },
  ...{ limits: true, retry: true, pollMs: true, now: true, clockToleranceMs: true, onWarning: true },
};
const LIMIT_NAMES: OptionNames<PendingLimits> = { pendingWrites: true, pendingBytes: true };
const RETRY_NAMES: OptionNames<RetryOptions> = { attempts: true, minDelayMs: true, maxDelayMs: true };

interface Checked<M> {
  readonly adapter: TimelineAdapter;
  readonly name: string;
  readonly settings: Settings;
  readonly schema: StandardSchemaV1<unknown, M> | undefined;
  readonly codec: Codec<M>;
  readonly onUndecodable: OnUndecodable<M>;
}

function checkStoreOptions<M>(given: Nullable<TimelineStoreOptions<M>>): Checked<M> {
  const options = checkFields<TimelineStoreOptions<M>>(given, NAMES);
  const {
    adapter,
    ttlMs,
    schema,
    codec = jsonCodec<M>(),
    pollMs = 1000,
    now = Date.now,
    clockToleranceMs = DEFAULT_CLOCK_TOLERANCE_MS,
    alter = false,
    onWarning = emitWarning,
  } = options;
  if (typeof adapter?.open !== 'function')
    throw invalidArgument('adapter', `must be a TimelineAdapter, not ${describeValue(adapter)}`);
  const name = checkText(options.name, 'name', MAX_NAME_BYTES, { printable: true });
  checkFunction(now, 'now');
  checkFunction(onWarning, 'onWarning');
  const limits = checkFields(options.limits ?? {}, LIMIT_NAMES, 'limits');
  const retry = checkFields(options.retry ?? {}, RETRY_NAMES, 'retry');
  if (readClock(now) === undefined)
    throw invalidArgument('now', `must give milliseconds since 1970, not ${describeValue(safely(now))}`);
  if (clockToleranceMs !== Number.POSITIVE_INFINITY)
    checkCount(clockToleranceMs, 'clockToleranceMs', { least: LEAST_CLOCK_TOLERANCE_MS });
  if (typeof alter !== 'boolean') throw invalidArgument('alter', `must be a boolean, not ${describeValue(alter)}`);
  if (ttlMs !== undefined && ttlMs !== Number.POSITIVE_INFINITY) checkCount(ttlMs, 'ttlMs');
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw invalidArgument('schema', 'must implement Standard Schema version 1');
  }
  if (typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw invalidArgument('codec', 'must have encode and decode');
  }
  checkFunction(codec.fingerprint, 'codec.fingerprint');
  const onUndecodable = checkOnUndecodable(options.onUndecodable) ?? 'throw';
  checkCount(retry.attempts ?? 1, 'retry.attempts');
  checkCount(retry.minDelayMs ?? 0, 'retry.minDelayMs', { least: 0, most: MAX_TIMER_MS });
  checkCount(retry.maxDelayMs ?? 0, 'retry.maxDelayMs', { least: 0, most: MAX_TIMER_MS });
  const settings = {
    ttlMs,
    alter,
    now,
    toleranceMs: clockToleranceMs,
    warn: guarded(onWarning),
    retry: retryPolicy(retry),
    pollMs: checkCount(pollMs, 'pollMs', { least: 10, most: MAX_TIMER_MS }),
    pendingWrites: checkCount(limits.pendingWrites ?? 10_000, 'limits.pendingWrites'),
    pendingBytes: checkCount(limits.pendingBytes ?? 32 * MIB, 'limits.pendingBytes'),
  };
  return { adapter, name, settings, schema, codec, onUndecodable };
}

async function refuseTtl(library: AdapterLibrary, ttlMs: number | undefined): Promise<void> {
  const { minTtlMs, budgetMs } = library.capabilities;
  if (ttlMs === undefined || ttlMs === Number.POSITIVE_INFINITY || (minTtlMs !== null && ttlMs >= minTtlMs)) return;
  await library.close({ deadline: performance.now() + budgetMs });
  const why =
    minTtlMs === null
      ? 'this store keeps entries for ever; ttlMs is not supported'
      : `ttlMs must be at least ${minTtlMs} here`;
  throw unsupported(library.capabilities, 'minTtlMs', why);
}

/** Keeps a failing `onWarning` from failing the call that warns. */
function guarded(onWarning: (warning: AdapterWarning) => void): (warning: AdapterWarning) => void {
  return (warning) => {
    try {
      onWarning(warning);
    } catch (error) {
      process.emitWarning(`onWarning failed: ${(error as Error)?.message ?? error}`, { type: 'TimelineWarning' });
    }
  };
}

function safely(now: () => number): unknown {
  try {
    return now();
  } catch (error) {
    return error;
  }
}

function emitWarning({ code, message }: AdapterWarning): void {
  process.emitWarning(message, { type: 'TimelineWarning', code });
}
