import type { AdapterLibrary, Capabilities, Write, WriteOutcome } from '../../src/adapter.js';
import { Sweeper } from '../../src/toolkit/index.js';
import { AutoRowWriter } from './append/auto.js';
import { CasAppender, MAX_ENTRIES, MAX_ROW_BYTES } from './append/cas.js';
import { KeyReservations } from './append/key-reservations.js';
import { ManualRowWriter } from './append/manual.js';
import { RowAppender } from './append/rows.js';
import { EntryChanger, Trimmer } from './change.js';
import { Checkpoints } from './checkpoints.js';
import { type Context, createContext } from './context.js';
import { droppable } from './lives/droppable-library.js';
import type { Settings, WakeChannel } from './options.js';
import { Reader } from './read/read.js';
import type { OpenedTables } from './tables/open.js';
import { MIN_TTL_MS } from './tables/schema.js';
import { Watchers } from './watch.js';

/**
 * Makes the parts of an open library. Each operation runs within the record's check for tables that were made again.
 */
export function openLibrary({ base, applyTtl }: OpenedTables, channel: WakeChannel | undefined): AdapterLibrary {
  const { record, settings, tables, layout, deferred } = base;
  const context = createContext(base);
  const reader = new Reader(context);
  const reservations = tables.keys && new KeyReservations(context, tables.keys);
  const appender = createAppender(context, reservations);
  const changer = new EntryChanger(context);
  const trimmer = new Trimmer(context, reservations);
  const checkpoints = new Checkpoints(context);
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
    checkpoints: {
      get: (keys, call) => record.runRead(call, () => checkpoints.get(keys, call)),
      advance: (items, call) => record.runWrite(call, () => checkpoints.advance(items, call)),
      reset: (items, call) => record.runWrite(call, () => checkpoints.reset(items, call)),
    },
    watch: (timeline, wake) => watchers.watch(timeline, wake),
    close: async (call) => {
      record.close();
      delayedTtl?.close();
      watchers.close();
      await deferred.close(call);
    },
  };
  if (layout.shared) return library;
  library.timelines = (range, call) => record.runRead(call, () => context.timelineRows.list(range, call));
  return base.canDrop ? droppable(library, base) : library;
}

function createAppender(context: Context, reservations: KeyReservations | undefined): CasAppender | RowAppender {
  const { sequence } = context.settings;
  if (sequence === 'cas') return new CasAppender(context);
  const writer = sequence === 'auto' ? new AutoRowWriter(context) : new ManualRowWriter(context);
  return new RowAppender(context, reservations, writer);
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
    drop: false,
    timelines: !layout.shared,
    checkpoints: true,
    signals: 'none',
    minTtlMs: MIN_TTL_MS,
    budgetMs: timeoutMs,
    wakeWithinMs: idlePollMs + pollMs + (isCas ? 0 : settleMs) + 100,
    durability: 'machine',
    readOnly: false,
  };
}

/** By then every process has read that there is a TTL, and records the last SeqId of its appends. */
const START_AFTER_MS = 30_000;
const TIMELINES_PER_PAGE = 100;

/**
 * Law No reuse, for a library that kept entries for ever and gets a TTL: records the last SeqId of every Timeline
 * before the table may remove entries. Until then expired entries are only hidden. If the process ends first, the next
 * opening starts again.
 */
class DelayedTtl {
  readonly #context: Context;
  readonly #applyTtl: () => Promise<void>;
  readonly #sweeper = new Sweeper({ step: () => this.#recordPage(), retryMs: START_AFTER_MS });
  #epoch: string | undefined;
  /** The last Timeline that is recorded. */
  #after: string | undefined;

  constructor(context: Context, applyTtl: () => Promise<void>) {
    this.#context = context;
    this.#applyTtl = applyTtl;
    this.#sweeper.start(START_AFTER_MS);
  }

  close(): void {
    void this.#sweeper.close();
  }

  async #recordPage(): Promise<number> {
    const { requests, record, timelineRows } = this.#context;
    this.#epoch ??= record.epoch;
    const range = { prefix: '', limit: TIMELINES_PER_PAGE, ...(this.#after !== undefined && { after: this.#after }) };
    const timelines = await timelineRows.list(range, requests.transport.newCall());
    await Promise.all(timelines.map((timeline) => this.#recordLast(timeline)));
    this.#after = timelines.at(-1);
    const isObsolete = record.epoch !== this.#epoch || record.ttlMs === undefined;
    if (!isObsolete && this.#after === undefined && !this.#sweeper.isClosed) await this.#applyTtl();
    if (isObsolete || this.#after === undefined) this.close();
    return 0;
  }

  async #recordLast(timeline: string): Promise<void> {
    const { requests, bounds, state, timelineRows } = this.#context;
    const call = requests.transport.newCall();
    const { seqId } = await bounds.readLast(state(timeline), call);
    if (seqId > 0n) await requests.writeIf(timelineRows.lastSeqIdUpdate(timeline, seqId), call);
  }
}
