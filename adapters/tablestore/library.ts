import type {
  AdapterCheckpoints,
  AdapterLibrary,
  Capabilities,
  LibraryOptions,
  Write,
  WriteOutcome,
} from '../../src/adapter.js';
import { AutoRowWriter } from './append/auto.js';
import { CasAppender, MAX_ENTRIES, MAX_ROW_BYTES } from './append/cas.js';
import { KeyReservations } from './append/key-reservations.js';
import { ManualRowWriter } from './append/manual.js';
import { RowAppender, RowSender } from './append/rows.js';
import { EntryChanger, Trimmer } from './change.js';
import { Checkpoints } from './checkpoints.js';
import { type Context, createContext } from './context.js';
import type { Settings, WakeChannel } from './options.js';
import { Reader } from './read/read.js';
import type { Requests } from './service/requests.js';
import { DeferredWrites } from './tables/deferred-writes.js';
import { DelayedTtl } from './tables/delayed-ttl.js';
import type { LibraryRecord } from './tables/library-record.js';
import type { OpenedTables } from './tables/open.js';
import { MIN_TTL_MS } from './tables/schema.js';

import { Watchers } from './watch.js';

/**
 * Makes the parts of an open library. Each operation runs within the record's check for tables that were made again.
 */
export function openLibrary(
  requests: Requests,
  { tables, record, applyTtl }: OpenedTables,
  options: LibraryOptions,
  settings: Settings,
  channel: WakeChannel | undefined,
): AdapterLibrary {
  const deferred = new DeferredWrites(requests, options.warn);
  record.onReplaced(() => deferred.clear());
  const { layout } = settings;
  const isDense = settings.sequence === 'cas';
  const { clock } = options;
  const context = createContext({ requests, tables, record, deferred, options, settings, layout, clock, isDense });
  const reader = new Reader(context);
  const reservations = tables.keys && new KeyReservations(context, tables.keys);
  const appender = createAppender(context, reservations);
  const changer = new EntryChanger(context);
  const trimmer = new Trimmer(context, reservations);
  const delayedTtl = applyTtl && new DelayedTtl(context, applyTtl);
  const watchers = new Watchers(context, channel);
  record.startPolling();
  const library: AdapterLibrary = {
    capabilities: capabilitiesOf(settings, record.settings.keyWindowMs),
    maxInFlight: 8,
    get ttlMs() {
      return record.ttlMs;
    },
    append: (writes, call) =>
      record.runWrite(call, async () => {
        const outcomes = await appender.append(writes, call);
        for (const timeline of appendedTimelines(writes, outcomes)) watchers.appended(timeline);
        return outcomes;
      }),
    read: (ranges, call) => record.runRead(call, () => reader.read(ranges, call)),
    heads: (timelines, call) => record.runRead(call, () => reader.heads(timelines, call)),
    update: (timeline, seqId, payload, ifRevision, call) =>
      record.runWrite(call, () => changer.update(timeline, seqId, payload, ifRevision, call)),
    delete: (timeline, seqId, call) => record.runWrite(call, () => changer.delete(timeline, seqId, call)),
    trim: (timeline, cut, call) => record.runWrite(call, () => trimmer.trim(timeline, cut, call)),
    checkpoints: checkEpoch(new Checkpoints(context), record),
    watch: (timeline, wake) => watchers.watch(timeline, wake),
    close: async (call) => {
      record.close();
      delayedTtl?.close();
      watchers.close();
      await deferred.flush(call);
      deferred.close();
    },
  };
  if (layout.shared) return library;
  library.timelines = (range, call) => record.runRead(call, () => context.timelineRows.list(range, call));
  return library;
}

function createAppender(context: Context, reservations: KeyReservations | undefined): CasAppender | RowAppender {
  const { sequence } = context.settings;
  if (sequence === 'cas') return new CasAppender(context);
  const sender = new RowSender(context);
  const writer = sequence === 'auto' ? new AutoRowWriter(context, sender) : new ManualRowWriter(context, sender);
  return new RowAppender(context, reservations, writer);
}

function checkEpoch(checkpoints: Checkpoints, record: LibraryRecord): AdapterCheckpoints {
  return {
    get: (keys, call) => record.runRead(call, () => checkpoints.get(keys, call)),
    advance: (items, call) => record.runWrite(call, () => checkpoints.advance(items, call)),
    reset: (items, call) => record.runWrite(call, () => checkpoints.reset(items, call)),
  };
}

function appendedTimelines(writes: readonly Write[], outcomes: readonly WriteOutcome[]): Set<string> {
  const appended = new Set<string>();
  writes.forEach(({ timeline }, i) => {
    const outcome = outcomes[i];
    if (outcome?.ok && outcome.entries.some(({ duplicate }) => !duplicate)) appended.add(timeline);
  });
  return appended;
}

function capabilitiesOf(
  { sequence, layout, pollMs, idlePollMs, settleMs, timeoutMs }: Settings,
  keyWindowMs: number | null,
): Capabilities {
  const isCas = sequence === 'cas';
  return {
    adapter: 'tablestore',
    dense: sequence !== 'auto',
    visibility: isCas ? 'strict' : 'settled',
    atomicBatch: isCas ? MAX_ENTRIES : 1,
    maxAtomicBytes: isCas ? MAX_ROW_BYTES : layout.maxBodyBytes,
    maxBodyBytes: layout.maxBodyBytes,
    keyWindowMs: layout.recoveryTagColumn === undefined ? 0 : keyWindowMs,
    expectedLast: isCas,
    manualIds: sequence === 'manual',
    update: true,
    delete: true,
    trim: true,
    timelines: !layout.shared,
    checkpoints: true,
    minTtlMs: MIN_TTL_MS,
    budgetMs: timeoutMs,
    wakeWithinMs: idlePollMs + pollMs + (isCas ? 0 : settleMs) + 100,
    durability: 'machine',
    readOnly: false,
  };
}
