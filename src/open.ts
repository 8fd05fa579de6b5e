import type { AdapterLibrary, AdapterWarning, TimelineAdapter } from './adapter.js';
import { Appender } from './append.js';
import { AppendQueue } from './append-queue.js';
import { jsonCodec } from './codec.js';
import { invalidArgument } from './errors.js';
import { checkCount } from './range.js';
import { type RetryPolicy, retryPolicy } from './retry.js';
import { normalized, Session, unsupported } from './session.js';
import { Store } from './store.js';
import { checkFunction, checkObject, checkText, describe } from './text.js';
import type { TimelineStore, TimelineStoreOptions } from './types.js';

const MAX_NAME_BYTES = 255;
const MIB = 1024 * 1024;

/**
 * Opens a library, creating what is missing. Idempotent, and safe from several processes at once.
 *
 * `TIMELINE_INVALID_ARGUMENT` for options that do not fit; `TIMELINE_UNSUPPORTED` for a `ttlMs` that the adapter cannot
 * keep; whatever the adapter says when its store cannot be used.
 */
export async function openTimelineStore<M>(options: TimelineStoreOptions<M>): Promise<TimelineStore<M>> {
  const { adapter, name, settings } = checkOptions(options);
  const { ttlMs, warn, now } = settings;
  const library = await normalized(() => adapter.open({ name, ttlMs, now, warn }), 'not-applied');
  await refuseTtl(library, ttlMs);
  const session = new Session(library, settings);
  const queue = new AppendQueue(session, settings);
  const { schema, codec = jsonCodec<M>() } = options;
  return new Store(name, { session, appender: new Appender(session, queue, codec, schema), codec, schema }, queue);
}

interface Settings {
  readonly ttlMs: number | undefined;
  readonly now: () => number;
  readonly warn: (warning: AdapterWarning) => void;
  readonly retry: RetryPolicy;
  readonly pollMs: number;
  readonly pendingWrites: number;
  readonly pendingBytes: number;
}

function checkOptions<M>(options: TimelineStoreOptions<M>): { adapter: TimelineAdapter; name: string; settings: Settings } {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  const {
    adapter,
    ttlMs,
    schema,
    codec,
    limits = {},
    retry = {},
    pollMs = 1000,
    now = Date.now,
    onWarning = emitWarning,
  } = options;
  if (typeof adapter?.open !== 'function')
    throw invalidArgument('adapter', `must be a TimelineAdapter, not ${describe(adapter)}`);
  const name = checkText(options.name, 'name', MAX_NAME_BYTES, { printable: true });
  checkFunction(now, 'now');
  checkFunction(onWarning, 'onWarning');
  checkObject(limits, 'limits');
  checkObject(retry, 'retry');
  if (ttlMs !== undefined) checkCount(ttlMs, 'ttlMs');
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw invalidArgument('schema', 'must implement Standard Schema version 1');
  }
  if (codec !== undefined && (typeof codec.encode !== 'function' || typeof codec.decode !== 'function')) {
    throw invalidArgument('codec', 'must have encode and decode');
  }
  checkCount(retry.attempts ?? 1, 'retry.attempts');
  checkCount(retry.minDelayMs ?? 0, 'retry.minDelayMs', { least: 0 });
  checkCount(retry.maxDelayMs ?? 0, 'retry.maxDelayMs', { least: 0 });
  const settings = {
    ttlMs,
    now,
    warn: onWarning,
    retry: retryPolicy(retry),
    pollMs: checkCount(pollMs, 'pollMs', { least: 10 }),
    pendingWrites: checkCount(limits.pendingWrites ?? 10_000, 'limits.pendingWrites'),
    pendingBytes: checkCount(limits.pendingBytes ?? 32 * MIB, 'limits.pendingBytes'),
  };
  return { adapter, name, settings };
}

async function refuseTtl(library: AdapterLibrary, ttlMs: number | undefined): Promise<void> {
  const { minTtlMs } = library.capabilities;
  if (ttlMs === undefined || (minTtlMs !== null && ttlMs >= minTtlMs)) return;
  await library.close();
  const why =
    minTtlMs === null ? 'this store keeps entries for ever; ttlMs is not supported' : `ttlMs must be at least ${minTtlMs} here`;
  throw unsupported(library.capabilities, 'minTtlMs', why);
}

function emitWarning({ code, message }: AdapterWarning): void {
  process.emitWarning(message, { type: 'TimelineWarning', code });
}
