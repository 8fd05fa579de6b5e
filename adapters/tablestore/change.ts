import { randomUUID } from 'node:crypto';
import type { Body, Call, Cut, Payload, Row } from '../../src/adapter.js';
import { MAX_SEQ_ID } from '../../src/cursor.js';
import { TimelineError } from '../../src/errors.js';
import { pauseAfter } from '../../src/retry.js';
import { entryNotFound, equalBytes, jitter, pause, revisionConflict } from '../../src/toolkit/index.js';
import type { KeyReservations } from './append/key-reservations.js';
import type { Context } from './context.js';
import type { Column } from './layouts/layout.js';
import { toTimelineError } from './service/errors.js';
import type { RowResult, RowWrite } from './service/requests.js';
import { type ColumnTest, columnOf, type StoredRecord } from './service/values.js';
import { type FoundEntry, rowIdOf } from './tables/entry-table.js';
import type { TimelineState } from './timeline-state.js';

/** Changes of a row that a later one still recognizes. */
const CHANGE_TAGS = 16;
/** Longest pause after another writer has changed the row first. */
const MAX_CONFLICT_PAUSE_MS = 20;

/** An attempt whose answer was lost. */
interface UnknownAttempt {
  readonly found: FoundEntry;
  readonly put: readonly Column[];
  readonly error: TimelineError;
}

/** Updates and deletes single entries: reads the row, and writes it back if nobody has changed it meanwhile. */
export class EntryChanger {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async update(
    timeline: string,
    seqId: bigint,
    { body }: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const found = await this.#change(timeline, seqId, body, ifRevision, call);
    if (!found) throw entryNotFound(timeline, seqId);
    const { at, stored } = found;
    const row = { seqId, appendedAt: at, body, key: stored.key, revision: stored.revision + 1 };
    return { epoch: this.#context.record.epoch, row };
  }

  async delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    await this.#change(timeline, seqId, undefined, undefined, call);
  }

  /**
   * Resolves with the entry as it was before; `undefined` if there is none to change. Without a body, it is deleted.
   */
  async #change(
    timeline: string,
    seqId: bigint,
    body: Body | undefined,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<FoundEntry | undefined> {
    const { entryTable, record: library } = this.#context;
    const state = this.#context.state(timeline);
    const tag = randomUUID().slice(0, 8);
    let unknown: UnknownAttempt | undefined;
    for (let attempt = 1; ; attempt++) {
      const record = await entryTable
        .rowHolding(state, seqId, call)
        .catch((error: unknown) => Promise.reject(unknown?.error ?? error));
      const found = record && entryTable.entriesOf(record).find((each) => each.seqId === seqId);
      if (library.mayBeReplaced) await library.reload(call);
      if (unknown && record && this.#isApplied(record, tag, unknown)) return unknown.found;
      if (!record || !found || found.isRemoved || found.stored.body === undefined) return undefined;
      const isConflicting = ifRevision !== undefined && found.stored.revision !== ifRevision;
      if (unknown && isConflicting && this.#mayForget(record)) throw unknown.error;
      checkRevision(timeline, found, ifRevision);
      const { put, result } = await this.#write(record, found, { body, tag }, call);
      if (result.ok) return found;
      const { failure } = result.error;
      const isConflict = failure === 'condition';
      const error = isConflict ? changedByOthers(timeline, seqId) : toTimelineError(result.error, 'write');
      if (failure === 'ambiguous') unknown = { found, put, error };
      else if (!isConflict) throw unknown?.error ?? error;
      const ms = isConflict ? jitter(MAX_CONFLICT_PAUSE_MS, 1) : pauseAfter(attempt, error, call.deadline);
      if (ms === undefined || performance.now() + ms >= call.deadline) throw unknown?.error ?? error;
      await pause(ms);
    }
  }

  /** Others may have changed the row since. Without tags, only what it holds now can tell. */
  #isApplied({ columns }: StoredRecord, tag: string, { put }: UnknownAttempt): boolean {
    const { changeTagsColumn } = this.#context.layout;
    return changeTagsColumn === undefined ? hasColumns(columns, put) : tagsIn(columns, changeTagsColumn).includes(tag);
  }

  /** The row may hold no trace of an attempt any more that was applied. */
  #mayForget({ columns }: StoredRecord): boolean {
    const { changeTagsColumn } = this.#context.layout;
    return changeTagsColumn === undefined || tagsIn(columns, changeTagsColumn).length >= CHANGE_TAGS;
  }

  async #write(
    record: StoredRecord,
    { seqId }: FoundEntry,
    { body, tag }: { readonly body: Body | undefined; readonly tag: string },
    call: Call,
  ) {
    const { requests, entryTable, layout } = this.#context;
    const row = entryTable.decode(record);
    const { put, remove } = layout.change(row, Number(seqId - rowIdOf(record)), body);
    const isUnchanged: ColumnTest = {
      column: layout.changeCountColumn,
      is: 'EQUAL',
      value: BigInt(row.changeCount),
      passIfMissing: row.changeCount === 0,
    };
    const tags = layout.changeTagsColumn;
    const columns =
      tags === undefined
        ? put
        : [...put, { name: tags, value: [tag, ...tagsIn(record.columns, tags)].slice(0, CHANGE_TAGS).join(' ') }];
    const write: RowWrite = { ...entryTable.changedRow(record, columns), remove, condition: [isUnchanged] };
    const [result] = await requests.write([write], call);
    return { put, result: result as RowResult };
  }
}

function changedByOthers(timeline: string, seqId: bigint): TimelineError {
  const message = `entry ${seqId} was changed by others all the time`;
  return new TimelineError('TIMELINE_BUSY', message, { timeline, retryable: true });
}

function tagsIn(columns: readonly Column[], name: string): string[] {
  const tags = columnOf(columns, name);
  return typeof tags === 'string' ? tags.split(' ') : [];
}

function hasColumns(columns: readonly Column[], put: readonly Column[]): boolean {
  return put.every(({ name, value }) => {
    const stored = columnOf(columns, name);
    return value instanceof Uint8Array && stored instanceof Uint8Array ? equalBytes(value, stored) : value === stored;
  });
}

function checkRevision(timeline: string, { seqId, stored }: FoundEntry, ifRevision: number | undefined): void {
  if (ifRevision === undefined || stored.revision === ifRevision) return;
  throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: stored.revision });
}

/** A row of the prefix to trim. */
interface TrimmedRow {
  readonly record: StoredRecord;
  readonly entries: readonly FoundEntry[];
  /** The highest of its ids that is trimmed. */
  readonly through: bigint;
}

/**
 * Trims a prefix. Deletions of many rows are not atomic, and readers would pass a row that is missing before others
 * without notice. So every row of the prefix is first marked with the last id trimmed, which readers heed; then the
 * rows are deleted. A crash in between leaves marked rows, which the next trim deletes.
 */
export class Trimmer {
  readonly #context: Context;
  readonly #reservations: KeyReservations | undefined;

  constructor(context: Context, reservations: KeyReservations | undefined) {
    this.#context = context;
    this.#reservations = reservations;
  }

  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    const { requests, isDense, entryTable, bounds, timelineRows, layout } = this.#context;
    const state = this.#context.state(timeline);
    const { seqId: last, newest } = await bounds.readLast(state, call);
    if (!newest) return;
    const wanted = 'through' in cut ? cut.through : await this.#highestBelowLast(state, cut.keepLast, call);
    const through = wanted < last ? wanted : last;
    const rows = await this.#rowsThrough(state, through, call);
    const highest = rows.at(-1)?.through;
    if (highest === undefined) return;
    if (!isDense) await timelineRows.recordRemoval(timeline, highest, true, call);
    const mark = (row: TrimmedRow) =>
      entryTable.changedRow(row.record, [{ name: layout.trimColumn, value: row.through }]);
    await requests.writeRepeatable(rows.filter(isUnmarked).map(mark), call);
    state.bounds.raiseUnreadable(highest);
    // The newest row is kept: it holds the last SeqId.
    const deletable = rows.filter(
      ({ entries }) => entries[0]?.rowId !== newest.rowId && this.#isDeletable(entries, through),
    );
    const seqIdUpdates = deletable.flatMap(({ entries }) => this.#seqIdUpdates(state, entries));
    await requests.writeRepeatable(seqIdUpdates, call);
    const { table } = entryTable;
    const deletions = deletable.map(({ record: { key } }): RowWrite => ({ table, key, type: 'DELETE' }));
    await requests.writeRepeatable(deletions, call);
  }

  /** The newest id that is not among the last `keepLast` that readers get; 0n: none. */
  async #highestBelowLast(state: TimelineState, keepLast: number, call: Call): Promise<bigint> {
    const { entryTable } = this.#context;
    let left = keepLast;
    for await (const rows of entryTable.pages(state, { isBackward: true, columns: 'heads' }, call)) {
      for (const found of rows.flatMap((row) => entryTable.entriesOf(row).reverse())) {
        if (found.isRemoved) return 0n;
        if (left-- === 0) return found.seqId;
      }
    }
    return 0n;
  }

  async #rowsThrough(state: TimelineState, through: bigint, call: Call): Promise<TrimmedRow[]> {
    const { entryTable } = this.#context;
    const found: TrimmedRow[] = [];
    if (through < 1n) return found;
    const to = through < MAX_SEQ_ID ? through + 1n : undefined;
    for await (const rows of entryTable.pages(state, { to, columns: 'heads' }, call)) {
      for (const record of rows) {
        const entries = entryTable.entriesOf(record);
        const last = entries.at(-1)?.seqId ?? 0n;
        found.push({ entries, record, through: last < through ? last : through });
      }
    }
    return found;
  }

  /** In `cas` the entries hold the keys, so a row with keys stays until they are forgotten. */
  #isDeletable(entries: readonly FoundEntry[], through: bigint): boolean {
    const { isDense, record } = this.#context;
    const last = entries.at(-1);
    if (!last || last.seqId > through) return false;
    if (!isDense || last.at <= record.keyCutoff()) return true;
    return entries.every(({ stored }) => stored.key === undefined);
  }

  /** Records in the key reservations where their entries are: once deleted, these cannot be searched for. */
  #seqIdUpdates(state: TimelineState, entries: readonly FoundEntry[]): RowWrite[] {
    const reservations = this.#reservations;
    if (!reservations) return [];
    const cutoff = this.#context.record.keyCutoff();
    return entries.flatMap(({ seqId, at, recoveryTag: token, stored: { key } }) => {
      if (key === undefined || token === undefined || at <= cutoff) return [];
      return [reservations.seqIdUpdate({ state, key, token }, seqId)];
    });
  }
}

function isUnmarked({ entries, through }: TrimmedRow): boolean {
  return entries.some(({ seqId, isRemoved }) => seqId <= through && !isRemoved);
}
