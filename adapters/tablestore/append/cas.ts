import type { Call, Write, WriteEntry, WriteOutcome } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { groupByTimeline, type KnownKey, pause, planWrite } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { StoreError, toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import { type ColumnTest, columnOf } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { AppendState } from './append-state.js';
import { WriterFairness } from './fairness.js';

/** Entries of one row, and so of one `appendMany`. */
export const MAX_ENTRIES = 1000;
export const MAX_ROW_BYTES = 2 ** 20;
/** Bodies and keys of one row: column `m` holds the keys as JSON. */
const MAX_COLUMN_BYTES = 2 * 2 ** 20;

const MAX_STATES = 10_000;
const MAX_KEYS = 1_000_000;

/** The next row of a Timeline, and the outcomes of the writes that it answers once it is stored. */
interface PlannedRow {
  readonly entries: WriteEntry[];
  /** One for each of the first writes, in order. */
  readonly outcomes: WriteOutcome[];
  /** Some write is refused because of the last SeqId, which others may have raised meanwhile. */
  readonly needsFreshLast: boolean;
}

/**
 * Appends with dense ids. Each row is put behind the last entry under the condition that no row is there: of two
 * writers one fails, reads the other's rows and decides again. All writes of a call to one Timeline share a row if it
 * holds them. Rows of one Timeline go one after another, those of different Timelines together.
 */
export class CasAppender {
  readonly #context: Context;
  readonly #fairness: WriterFairness;
  readonly #appendStates = new Map<string, AppendState>();
  #keyCount = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#fairness = new WriterFairness(context);
    context.record.onReplaced(() => {
      this.#appendStates.clear();
      this.#keyCount = 0;
    });
  }

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const outcomes = new Array<WriteOutcome>(writes.length);
    await Promise.all(
      [...groupByTimeline(writes)].map(async ([timeline, indexes]) => {
        const group = indexes.map((index) => writes[index] as Write);
        const answers = await this.#appendTo(timeline, group, call);
        indexes.forEach((index, i) => {
          outcomes[index] = answers[i] as WriteOutcome;
        });
      }),
    );
    return outcomes;
  }

  /** When one write fails because the store does, all behind it fail too. */
  async #appendTo(timeline: string, writes: readonly Write[], call: Call): Promise<WriteOutcome[]> {
    const done: WriteOutcome[] = [];
    try {
      for (let losses = 0; done.length < writes.length; ) {
        const { epoch } = this.#context.record;
        const left = writes.slice(done.length);
        const state = this.#context.state(timeline);
        const appendState = await this.#loadState(state, left, call);
        const row = await this.#planInTurn(state, appendState, left, call);
        if (epoch !== this.#context.record.epoch) continue;
        if (row.entries.length === 0 || (await this.#put(state, appendState, row.entries, losses, call))) {
          done.push(...row.outcomes);
          losses = 0;
        } else {
          if (performance.now() >= call.deadline) throw alwaysBeaten(timeline);
          if (epoch === this.#context.record.epoch) losses++;
          await this.#fairness.spreadOut(call);
        }
      }
    } catch (cause) {
      const error = toTimelineError(cause, 'write');
      while (done.length < writes.length) done.push({ ok: false, error });
    }
    return done;
  }

  /** Plans the row, and again behind a fresh last entry if some write is refused because of it. */
  async #planInTurn(
    state: TimelineState,
    appendState: AppendState,
    writes: readonly Write[],
    call: Call,
  ): Promise<PlannedRow> {
    const hasYielded = await this.#fairness.yieldToOthers(state, call);
    if (hasYielded) {
      const { last } = appendState;
      await appendState.catchUp(call);
      this.#fairness.yielded(state, appendState.last > last);
    }
    const row = this.#plan(appendState, writes);
    if (!row.needsFreshLast || hasYielded) return row;
    await appendState.catchUp(call);
    return this.#plan(appendState, writes);
  }

  async #loadState(state: TimelineState, writes: readonly Write[], call: Call): Promise<AppendState> {
    const known = this.#appendStates.get(state.timeline);
    const appendState = known ?? new AppendState(this.#context, state);
    const hasKey = () => writes.some(({ entries }) => entries.some(({ key }) => key !== undefined));
    const needsKeys = !appendState.hasKeys && hasKey();
    const { epoch } = this.#context.record;
    if (!known || needsKeys) await appendState.load(needsKeys, call);
    if (epoch === this.#context.record.epoch) this.#remember(state.timeline, appendState);
    return appendState;
  }

  #remember(timeline: string, appendState: AppendState): void {
    this.#appendStates.delete(timeline);
    this.#appendStates.set(timeline, appendState);
    this.#keyCount += appendState.keyGrowth();
    for (const [oldest, { countedKeys }] of this.#appendStates) {
      if (this.#appendStates.size <= MAX_STATES && this.#keyCount <= MAX_KEYS) return;
      this.#appendStates.delete(oldest);
      this.#keyCount -= countedKeys;
    }
  }

  #plan(state: AppendState, writes: readonly Write[]): PlannedRow {
    const entries: WriteEntry[] = [];
    const outcomes: WriteOutcome[] = [];
    const plannedKeys = new Map<string, KnownKey>();
    let needsFreshLast = false;
    let bytes = 0;
    for (const write of writes) {
      const size = sizeOf(write);
      const isFull = entries.length + write.entries.length > MAX_ENTRIES || bytes + size > MAX_ROW_BYTES;
      if (entries.length > 0 && isFull) break;
      const last = state.last + BigInt(entries.length);
      try {
        if (size > MAX_COLUMN_BYTES) throw keysTooLarge(write.timeline);
        const { appended, fresh } = planWrite(write, last, (key) => plannedKeys.get(key) ?? state.lookUpKey(key));
        for (const { seqId, entry } of fresh) {
          entries.push(entry);
          if (entry.key !== undefined) plannedKeys.set(entry.key, { seqId, hash: entry.payload.hash ?? '' });
        }
        if (fresh.length > 0) bytes += size;
        outcomes.push({ ok: true, epoch: this.#context.record.epoch, entries: appended });
      } catch (cause) {
        const error = toTimelineError(cause, 'write');
        needsFreshLast ||= error.code === 'TIMELINE_CONFLICT';
        outcomes.push({ ok: false, error });
      }
    }
    return { entries, outcomes, needsFreshLast };
  }

  /**
   * Puts a row behind the last entry. Resolves with false if it is not stored: another writer was first, or the tables
   * were made again. After an attempt without an answer, the next one shows whether it succeeded.
   */
  async #put(
    state: TimelineState,
    appendState: AppendState,
    entries: readonly WriteEntry[],
    losses: number,
    call: Call,
  ): Promise<boolean> {
    const { clock, entryTable, record } = this.#context;
    const recoveryTag = this.#context.newToken();
    const at = clock.entryTime(appendState.lastAt);
    const rowId = appendState.last + 1n;
    const row = entryTable.newRow(state, rowId, entries, recoveryTag, at);
    const lastUpdate = this.#lastUpdate(state.timeline, rowId, entries.length);
    // Once an attempt went without an answer, a later refusal does not prove that nothing was written.
    let doubt: TimelineError | undefined;
    for (let attempt = 1; ; attempt++) {
      const noteRemoval = this.#fairness.noteRemoval(state);
      const begunAt = performance.now();
      const rows = [row, lastUpdate, noteRemoval].filter((each) => each !== undefined);
      const { results, isSameEpoch } = await entryTable.writeBatched(rows, call);
      const result = results[0] as RowResult;
      if (!isSameEpoch) {
        if (result.ok || result.error.failure === 'ambiguous') await this.#undo(row, recoveryTag, lastUpdate, call);
        if (record.mayBeReplaced) throw record.missingError();
        return false;
      }
      if (result.ok) {
        this.#fairness.putSucceeded(state, begunAt, noteRemoval && results.at(-1));
        entries.forEach(({ key, payload: { hash } }, i) => {
          const seqId = rowId + BigInt(i);
          appendState.add(seqId, at, key, hash);
          // The time that the service gives the entry is not known before it is read.
          state.rememberPosition({ seqId, rowId, at: row.version ?? 0 });
        });
        this.#deferIfFailed(lastUpdate, results[1]);
        return true;
      }
      const { failure } = result.error;
      if (failure === 'condition') {
        const [isOwnRow] = await Promise.all([
          appendState.catchUp(call, recoveryTag).catch((error: unknown) => Promise.reject(doubt ?? error)),
          this.#fairness.raceLost(state, losses + 1, call),
        ]);
        if (isOwnRow) this.#deferIfFailed(lastUpdate, results[1]);
        return isOwnRow;
      }
      const error = toTimelineError(result.error, 'write');
      if (failure === 'ambiguous') doubt = error;
      const ms = doubt && result.error.isTransient ? pauseAfter(attempt, error, call.deadline) : undefined;
      if (ms === undefined) throw doubt ?? error;
      await pause(ms);
    }
  }

  /** Takes back a row, and what was recorded with it, that went behind the last entry of an earlier epoch. */
  async #undo(row: RowWrite, recoveryTag: string, lastUpdate: RowWrite | undefined, call: Call): Promise<void> {
    const { requests, layout } = this.#context;
    const column = layout.recoveryTagColumn as string;
    const isOwn: ColumnTest = { column, is: 'EQUAL', value: recoveryTag };
    const rows: RowWrite[] = [{ table: row.table, key: row.key, type: 'DELETE', condition: [isOwn] }];
    if (lastUpdate) {
      const { table, key, put = [] } = lastUpdate;
      const isSame: ColumnTest = { column: 'last', is: 'EQUAL', value: columnOf(put, 'last') as bigint };
      rows.push({ table, key, type: 'UPDATE', remove: ['last'], condition: [isSame] });
    }
    const [result] = await requests.write(rows, call);
    if (result?.ok === false && result.error.failure !== 'condition' && result.error.failure !== 'missing') {
      const message = `a table was made again meanwhile: ${result.error.message}`;
      throw toTimelineError(new StoreError('ambiguous', message), 'write');
    }
  }

  /** The first entry lists its Timeline. If the TTL may remove all entries, each row records the last SeqId. */
  #lastUpdate(timeline: string, rowId: bigint, count: number): RowWrite | undefined {
    if (this.#context.record.ttlMs === undefined && rowId > 1n) return undefined;
    return this.#context.timelineRows.lastSeqIdUpdate(timeline, rowId + BigInt(count - 1), rowId === 1n);
  }

  #deferIfFailed(update: RowWrite | undefined, result: RowResult | undefined): void {
    if (update && result?.ok === false && result.error.failure !== 'condition') this.#context.deferred.add(update);
  }
}

/** Bytes of the bodies and keys. A control character of a key takes six bytes in JSON. */
function sizeOf({ entries }: Write): number {
  let size = 0;
  for (const { payload, key = '' } of entries) {
    size += Buffer.byteLength(payload.body) + 6 * key.length;
  }
  return size;
}

function keysTooLarge(timeline: string): TimelineError {
  const limit = MAX_COLUMN_BYTES;
  const message = `the keys of one write are longer together than a row can hold, ${limit} bytes with the messages`;
  return new TimelineError('TIMELINE_TOO_LARGE', message, { timeline, argument: 'keys', limit });
}

function alwaysBeaten(timeline: string): TimelineError {
  return new TimelineError('TIMELINE_BUSY', 'other writers were faster all the time', { timeline, retryable: true });
}
