import type { AdapterLibrary, Capabilities, LibraryOptions, Write, WriteOutcome } from '../../src/adapter.js';
import { CasAppender, MAX_ENTRIES, MAX_ROW_BYTES } from './append-cas.js';
import { RowAppender } from './append-rows.js';
import { Checkpoints } from './checkpoints.js';
import { Claims } from './claims.js';
import { Context } from './context.js';
import { Directory } from './directory.js';
import { Ends } from './ends.js';
import { Later } from './later.js';
import type { Layout } from './layout.js';
import { Modifier } from './modify.js';
import type { Settings, WakeChannel } from './options.js';
import { AutoPutter } from './put-auto.js';
import { ChosenPutter } from './put-chosen.js';
import { Reader } from './read.js';
import type { Requests } from './requests.js';
import { RowWriter } from './row-writer.js';
import { MIN_TTL_MS, type Tables } from './tables.js';
import { Trimmer } from './trim.js';
import { Watchers } from './watch.js';

export function openLibrary(
  requests: Requests,
  tables: Tables & { readonly epoch: string },
  options: LibraryOptions,
  settings: Settings & { readonly layout: Layout },
  channel: WakeChannel | undefined,
): AdapterLibrary {
  const context = new Context(requests, tables, options, settings);
  const { layout } = settings;
  const later = new Later(requests, options.warn);
  const directory = new Directory(context);
  const ends = new Ends(context, directory);
  const reader = new Reader(context, directory, ends);
  const watchers = new Watchers(context, ends, channel);
  const claims = tables.keys && new Claims(context, tables.keys, later);
  const writer = new RowWriter(context, directory, later);
  const putter =
    settings.sequence === 'auto' ? new AutoPutter(context, writer, options.warn) : new ChosenPutter(context, ends, writer);
  const appender = context.dense ? new CasAppender(context, directory, ends, later) : new RowAppender(context, claims, putter);
  const modifier = new Modifier(context);
  const trimmer = new Trimmer(context, directory, ends, claims);
  const library: AdapterLibrary = {
    capabilities: capabilitiesOf(settings),
    maxInFlight: 8,
    async append(writes) {
      const outcomes = await appender.append(writes);
      for (const timeline of movedBy(writes, outcomes)) watchers.appended(timeline);
      return outcomes;
    },
    read: (ranges) => reader.read(ranges),
    heads: (timelines) => reader.heads(timelines),
    checkpoints: new Checkpoints(context),
    watch: (timeline, wake) => watchers.add(timeline, wake),
    close: async () => {
      watchers.close();
      await later.flush();
    },
  };
  if (layout.update)
    library.update = (timeline, seqId, payload, ifRevision) => modifier.update(timeline, seqId, payload, ifRevision);
  if (layout.delete) library.delete = (timeline, seqId) => modifier.delete(timeline, seqId);
  if (layout.trimColumn) library.trim = (timeline, cut) => trimmer.trim(timeline, cut);
  if (layout.timelines) library.timelines = (range) => directory.list(range);
  return library;
}

function movedBy(writes: readonly Write[], outcomes: readonly WriteOutcome[]): Set<string> {
  const moved = new Set<string>();
  writes.forEach(({ timeline }, i) => {
    const outcome = outcomes[i];
    if (outcome?.ok && outcome.entries.some(({ duplicate }) => !duplicate)) moved.add(timeline);
  });
  return moved;
}

function capabilitiesOf({
  sequence,
  layout,
  keyWindowMs,
  timeoutMs,
  pollMs,
  idlePollMs,
  settleMs,
}: Settings & { readonly layout: Layout }): Capabilities {
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
