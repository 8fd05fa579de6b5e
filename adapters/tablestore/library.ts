import type {
  AdapterCheckpoints,
  AdapterLibrary,
  Call,
  Capabilities,
  LibraryOptions,
  Write,
  WriteOutcome,
} from '../../src/adapter.js';
import { AutoPutter } from './append/auto.js';
import { CasAppender, MAX_ENTRIES, MAX_ROW_BYTES } from './append/cas.js';
import { Later } from './append/deferred-writes.js';
import { Claims } from './append/key-reservations.js';
import { ChosenPutter } from './append/manual.js';
import { RowWriter } from './append/row-writer.js';
import { RowAppender } from './append/rows.js';
import { Modifier } from './change.js';
import { Checkpoints } from './checkpoints.js';
import { Context } from './context.js';
import { Guard } from './guard.js';
import type { Layout } from './layouts/layout.js';
import type { Settings, WakeChannel } from './options.js';
import { Ends } from './read/bounds.js';
import { Reader } from './read/read.js';
import type { Requests } from './service/requests.js';
import { Limiter } from './tables/delayed-ttl.js';
import type { OpenedTables } from './tables/open.js';
import { MIN_TTL_MS } from './tables/schema.js';
import { Directory } from './tables/timeline-rows.js';
import { Trimmer } from './trim.js';
import { Watchers } from './watch.js';

export function openLibrary(
  requests: Requests,
  { tables, record, limit }: OpenedTables,
  options: LibraryOptions,
  settings: Settings & { readonly layout: Layout },
  channel: WakeChannel | undefined,
): AdapterLibrary {
  const later = new Later(requests, options.warn);
  record.onRenewed(() => later.forget());
  const context = new Context(requests, tables, record, later, options, settings);
  const { layout } = settings;
  const directory = new Directory(context);
  const ends = new Ends(context, directory);
  const reader = new Reader(context, directory, ends);
  const watchers = new Watchers(context, ends, channel);
  const claims = tables.keys && new Claims(context, tables.keys);
  const writer = new RowWriter(context, directory);
  const putter =
    settings.sequence === 'auto'
      ? new AutoPutter(context, writer, options.warn)
      : new ChosenPutter(context, ends, writer);
  const appender = context.dense ? new CasAppender(context, directory, ends) : new RowAppender(context, claims, putter);
  const modifier = new Modifier(context);
  const trimmer = new Trimmer(context, directory, ends, claims);
  const limiter = limit && new Limiter(context, directory, ends, limit);
  const guard = new Guard(record);
  record.onRenewed(() => watchers.forget());
  record.follow();
  const library: AdapterLibrary = {
    capabilities: capabilitiesOf(settings, record.settings.keyWindowMs),
    maxInFlight: 8,
    get ttlMs() {
      return context.ttlMs;
    },
    append: (writes, call) =>
      guard.write(call, async () => {
        const outcomes = await appender.append(writes, call);
        for (const timeline of movedBy(writes, outcomes)) watchers.appended(timeline);
        return outcomes;
      }),
    read: (ranges, call) => guard.read(call, () => reader.read(ranges, call)),
    heads: (timelines, call) => guard.read(call, () => reader.heads(timelines, call)),
    checkpoints: guarded(new Checkpoints(context), guard),
    watch: (timeline, wake) => watchers.add(timeline, wake),
    close: async (call) => {
      record.close();
      limiter?.close();
      watchers.close();
      await later.flush(call);
      later.close();
    },
  };
  if (layout.update)
    library.update = (timeline, seqId, payload, ifRevision, call) =>
      guard.write(call, () => modifier.update(timeline, seqId, payload, ifRevision, call));
  if (layout.delete)
    library.delete = (timeline, seqId, call) => guard.write(call, () => modifier.delete(timeline, seqId, call));
  if (layout.trimColumn)
    library.trim = (timeline, cut, call) => guard.write(call, () => trimmer.trim(timeline, cut, call));
  if (layout.timelines) library.timelines = (range, call) => guard.read(call, () => directory.list(range, call));
  return library;
}

function guarded(checkpoints: Checkpoints, guard: Guard): AdapterCheckpoints {
  return {
    get: (keys, call: Call) => guard.read(call, () => checkpoints.get(keys, call)),
    advance: (items, call) => guard.write(call, () => checkpoints.advance(items, call)),
    reset: (items, call) => guard.write(call, () => checkpoints.reset(items, call)),
  };
}

function movedBy(writes: readonly Write[], outcomes: readonly WriteOutcome[]): Set<string> {
  const moved = new Set<string>();
  writes.forEach(({ timeline }, i) => {
    const outcome = outcomes[i];
    if (outcome?.ok && outcome.entries.some(({ duplicate }) => !duplicate)) moved.add(timeline);
  });
  return moved;
}

function capabilitiesOf(
  { sequence, layout, pollMs, idlePollMs, settleMs, timeoutMs }: Settings & { readonly layout: Layout },
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
    keyWindowMs: layout.tokenColumn === undefined ? 0 : keyWindowMs,
    expectedLast: isCas,
    manualIds: sequence === 'manual',
    update: layout.update,
    delete: layout.delete,
    trim: layout.trimColumn !== undefined,
    timelines: layout.timelines,
    checkpoints: true,
    minTtlMs: MIN_TTL_MS,
    budgetMs: timeoutMs,
    wakeWithinMs: idlePollMs + pollMs + (isCas ? 0 : settleMs) + 100,
    durability: 'machine',
    readOnly: false,
  };
}
