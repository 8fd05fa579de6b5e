import type { Body, Call, Payload, Row } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { pauseAfter } from '../../src/retry.js';
import { entryNotFound, equalBytes, jitter, pause, revisionConflict } from '../../src/toolkit/index.js';
import type { Context } from './context.js';
import type { Column } from './layouts/layout.js';
import { toTimelineError } from './service/errors.js';
import type { RowResult, RowWrite } from './service/requests.js';
import { type ColumnTest, columnOf, type StoredRecord } from './service/values.js';
import { type FoundEntry, rowIdOf } from './tables/entry-table.js';

/** Longest pause after another writer has changed the row first. */
const MAX_CONFLICT_PAUSE_MS = 20;

interface EntryChange {
  /** `undefined`: a deletion. */
  readonly body: Body | undefined;
  readonly ifRevision: number | undefined;
}

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
    const found = await this.#change(timeline, seqId, { body, ifRevision }, call);
    if (!found) throw entryNotFound(timeline, seqId);
    const { at, stored } = found;
    const row = { seqId, appendedAt: at, body, key: stored.key, revision: stored.revision + 1 };
    return { epoch: this.#context.epoch, row };
  }

  async delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    await this.#change(timeline, seqId, { body: undefined, ifRevision: undefined }, call);
  }

  /** Resolves with the entry as it was before; `undefined` if there is none to change. */
  async #change(timeline: string, seqId: bigint, change: EntryChange, call: Call): Promise<FoundEntry | undefined> {
    const { entryTable, record: library } = this.#context;
    const state = this.#context.state(timeline);
    let unknown: UnknownAttempt | undefined;
    for (let attempt = 1; ; attempt++) {
      const record = await entryTable
        .rowHolding(state, seqId, call)
        .catch((error: unknown) => Promise.reject(unknown?.error ?? error));
      const found = record && entryTable.entriesOf(record).find((each) => each.seqId === seqId);
      if (library.mayBeReplaced) await library.reload(call);
      if (unknown && record && hasColumns(record, unknown.put)) return unknown.found;
      if (!record || !found || found.isRemoved || found.stored.body === undefined) return undefined;
      checkRevision(timeline, found, change.ifRevision);
      const { put, result } = await this.#write(record, found, change.body, call);
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

  async #write(record: StoredRecord, { seqId }: FoundEntry, body: Body | undefined, call: Call) {
    const { requests, entryTable, layout } = this.#context;
    const row = entryTable.decode(record);
    const change = layout.change?.(row, Number(seqId - rowIdOf(record)), body);
    if (!change) {
      const message = 'this layout cannot change an entry';
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'update' });
    }
    const { changeCount } = row;
    const column = layout.changeCountColumn;
    const condition: ColumnTest[] = column
      ? [{ column, is: 'EQUAL', value: BigInt(changeCount), passIfMissing: changeCount === 0 }]
      : [];
    const version = entryTable.changedCellVersion(record);
    const { key } = record;
    const write: RowWrite = {
      table: entryTable.table,
      key,
      type: 'UPDATE',
      ...change,
      version,
      expect: 'exists',
      condition,
    };
    const [result] = await requests.write([write], call);
    return { put: change.put, result: result as RowResult };
  }
}

function changedByOthers(timeline: string, seqId: bigint): TimelineError {
  const message = `entry ${seqId} was changed by others all the time`;
  return new TimelineError('TIMELINE_BUSY', message, { timeline, retryable: true });
}

function hasColumns({ columns }: StoredRecord, put: readonly Column[]): boolean {
  return put.every(({ name, value }) => {
    const stored = columnOf(columns, name);
    return value instanceof Uint8Array && stored instanceof Uint8Array ? equalBytes(value, stored) : value === stored;
  });
}

function checkRevision(timeline: string, { seqId, stored }: FoundEntry, ifRevision: number | undefined): void {
  if (ifRevision === undefined || stored.revision === ifRevision) return;
  throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: stored.revision });
}
