import type { Body, Call, Payload, Row } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { pause, pauseAfter } from '../../src/retry.js';
import { type Context, type Found, rowIdOf } from './context.js';
import type { Column } from './layouts/layout.js';
import { toTimelineError } from './service/errors.js';
import type { RowResult, RowWrite } from './service/requests.js';
import { type ColumnTest, columnOf, MIN, type StoredRecord } from './service/values.js';

/** Changes single entries in place: reads the row, and writes it back if nobody has changed it meanwhile. */
export class Modifier {
  constructor(private readonly context: Context) {}

  async update(
    timeline: string,
    seqId: bigint,
    { body }: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const found = await this.#change(timeline, seqId, { body, ifRevision }, call);
    if (!found)
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no entry ${seqId} to update`, {
        timeline,
        actual: seqId,
      });
    const { at, stored } = found;
    const row = { seqId, appendedAt: at, body, key: stored.key, revision: stored.revision + 1 };
    return { epoch: this.context.epoch, row };
  }

  async delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    await this.#change(timeline, seqId, { body: undefined, ifRevision: undefined }, call);
  }

  /** The entry as it was before; undefined if there is none to change. */
  async #change(
    timeline: string,
    seqId: bigint,
    { body, ifRevision }: { readonly body: Body | undefined; readonly ifRevision: number | undefined },
    call: Call,
  ): Promise<Found | undefined> {
    let tried: { readonly found: Found; readonly put: readonly Column[]; readonly doubt: TimelineError } | undefined;
    for (let attempt = 1; ; attempt++) {
      const record = await this.#rowOf(timeline, seqId, call).catch((error: unknown) =>
        Promise.reject(tried?.doubt ?? error),
      );
      const found = record && this.context.entriesOf(record).find((each) => each.seqId === seqId);
      if (this.context.record.isSuspect) await this.context.record.look(call);
      // An attempt whose answer was lost is known by what it left.
      if (tried && record && holds(record, tried.put)) return tried.found;
      if (!record || !found || found.gone || found.stored.body === undefined) return undefined;
      checkRevision(timeline, found, ifRevision);
      const { put, result } = await this.#write(record, found, body, call);
      if (result.ok) return found;
      const { failure } = result.error;
      const error = failure === 'condition' ? contended(timeline, seqId) : toTimelineError(result.error, 'write');
      if (failure === 'ambiguous') tried = { found, put, doubt: error };
      else if (failure !== 'condition') throw tried?.doubt ?? error;
      const ms = failure === 'condition' ? 20 * Math.random() : pauseAfter(attempt, error, call.deadline);
      if (ms === undefined || performance.now() + ms >= call.deadline) throw tried?.doubt ?? error;
      await pause(ms);
    }
  }

  async #rowOf(timeline: string, seqId: bigint, call: Call): Promise<StoredRecord | undefined> {
    const { requests, tables, dense, rowKey } = this.context;
    const state = this.context.state(timeline);
    const [from, to] = [rowKey(state, seqId), rowKey(state, dense ? MIN : seqId - 1n)];
    const { rows } = await requests.range({ table: tables.entries, from, to, backward: true, limit: 1 }, call);
    return rows[0];
  }

  async #write(record: StoredRecord, { seqId }: Found, body: Body | undefined, call: Call) {
    const { requests, tables, layout } = this.context;
    const row = this.context.decode(record);
    const change = layout.change?.(row, Number(seqId - rowIdOf(record)), body);
    if (!change)
      throw new TimelineError('TIMELINE_UNSUPPORTED', 'this layout cannot change an entry', { capability: 'update' });
    const condition: ColumnTest[] = layout.versionColumn
      ? [{ column: layout.versionColumn, is: 'EQUAL', value: BigInt(row.version), passIfMissing: row.version === 0 }]
      : [];
    const { key } = record;
    const version = this.context.changeVersionOf(record);
    const write: RowWrite = {
      table: tables.entries,
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

function contended(timeline: string, seqId: bigint): TimelineError {
  return new TimelineError('TIMELINE_BUSY', `entry ${seqId} was changed by others all the time`, {
    timeline,
    retryable: true,
  });
}

/** Whether a row has all these columns. */
function holds({ columns }: StoredRecord, put: readonly Column[]): boolean {
  return put.every(({ name, value }) => {
    const found = columnOf(columns, name);
    return value instanceof Uint8Array && found instanceof Uint8Array
      ? Buffer.compare(value, found) === 0
      : value === found;
  });
}

function checkRevision(timeline: string, { seqId, stored }: Found, ifRevision: number | undefined): void {
  if (ifRevision === undefined || stored.revision === ifRevision) return;
  const message = `entry ${seqId} has revision ${stored.revision}, not ${ifRevision}`;
  throw new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: ifRevision, actual: stored.revision });
}
