import type { AdapterWarning, Call } from '../../../src/adapter.js';
import { pauseAfter, retryUntil } from '../../../src/retry.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Column } from '../layouts/layout.js';
import {
  type RequestLimits,
  type SdkBatchRow,
  type SdkRange,
  type TableStoreClient,
  type TableStoreSdk,
  Transport,
} from './client.js';
import { isTableMissing, requestError, rowError, StoreError, toTimelineError } from './errors.js';
import { type ColumnTest, type KeyPart, type StoredRecord, sizeOf, type Table, Values } from './values.js';

export const ROWS_PER_WRITE = 200;
const ROWS_PER_GET = 100;
/** The service takes 4 MiB of rows in one request. */
const BYTES_PER_WRITE = 4 * 2 ** 20 - 1024;

export interface RowWrite {
  readonly table: Table;
  readonly key: readonly KeyPart[];
  readonly type: 'PUT' | 'UPDATE' | 'DELETE';
  readonly put?: readonly Column[] | undefined;
  readonly remove?: readonly string[] | undefined;
  /** Version of the cells, in milliseconds since 1970. Default: the service's time. */
  readonly version?: number | undefined;
  readonly expect?: 'exists' | 'missing' | undefined;
  /** The row is written only if all of these pass. */
  readonly condition?: readonly ColumnTest[] | undefined;
  /** Returns the key of the row, for one that the service numbers. */
  readonly returnKey?: boolean | undefined;
}

export type RowResult =
  | { readonly ok: true; readonly key: readonly KeyPart[] }
  | { readonly ok: false; readonly error: StoreError };

export interface RangeRequest {
  readonly table: Table;
  /** Inclusive. */
  readonly from: readonly KeyPart[];
  /** Exclusive. */
  readonly to: readonly KeyPart[];
  readonly isBackward?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly columns?: readonly string[] | undefined;
}

export interface RangePage {
  readonly rows: StoredRecord[];
  /** The key to continue from; absent at the end of the range. */
  readonly next?: readonly KeyPart[] | undefined;
}

/** The service's requests in terms of rows. Each ends by the deadline of its call. */
export class Requests {
  readonly #values: Values;
  readonly transport: Transport;

  constructor(client: TableStoreClient, sdk: TableStoreSdk, limits: RequestLimits) {
    this.#values = new Values(sdk);
    this.transport = new Transport(client, limits);
  }

  /** Reads one page. The service ends it at its own limits too, possibly before any row. */
  range({ table, from, to, isBackward, limit, columns }: RangeRequest, call: Call): Promise<RangePage> {
    return this.#read(call, async () => {
      const parameters = {
        tableName: table.name,
        direction: isBackward ? 'BACKWARD' : 'FORWARD',
        inclusiveStartPrimaryKey: this.#values.key(table, from),
        exclusiveEndPrimaryKey: this.#values.key(table, to),
        limit,
        columnsToGet: columns && [...columns],
      };
      const { rows, nextStartPrimaryKey } = await this.transport.send<SdkRange>('getRange', parameters, call);
      const next = nextStartPrimaryKey ? this.#values.record({ primaryKey: nextStartPrimaryKey }).key : undefined;
      return { rows: rows.map((row) => this.#values.record(row)), next };
    });
  }

  /** Reads rows by key, in the order of `keys`; `undefined` for a row that does not exist. */
  async get(
    table: Table,
    keys: readonly (readonly KeyPart[])[],
    call: Call,
    columns?: readonly string[],
  ): Promise<(StoredRecord | undefined)[]> {
    const chunks: Promise<(StoredRecord | undefined)[]>[] = [];
    for (let at = 0; at < keys.length; at += ROWS_PER_GET) {
      const chunk = this.#read(call, async () => {
        const primaryKey = keys.slice(at, at + ROWS_PER_GET).map((key) => this.#values.key(table, key));
        const tables = [{ tableName: table.name, primaryKey, columnsToGet: columns && [...columns] }];
        const answer = await this.transport.send<{ tables: SdkBatchRow[][] }>('batchGetRow', { tables }, call);
        return (answer.tables[0] ?? []).map((row) => {
          if (!row.isOk) throw rowError(row);
          return row.primaryKey ? this.#values.record(row) : undefined;
        });
      });
      chunks.push(chunk);
    }
    return (await Promise.all(chunks)).flat();
  }

  /** Retries each read by itself, so that one of a thousand does not fail them all. */
  #read<T>(call: Call, run: () => Promise<T>): Promise<T> {
    return retryUntil(
      call.deadline,
      (error) => error.retryable && !isTableMissing(error),
      () => run().catch((error: unknown) => Promise.reject(toTimelineError(error, 'read'))),
    );
  }

  /** Writes rows in as few requests as hold them, each sent once. Every row has its own result. Never rejects. */
  async write(rows: readonly RowWrite[], call: Call): Promise<RowResult[]> {
    return (await Promise.all(splitWrites(rows).map((chunk) => this.#writeTogether(chunk, call)))).flat();
  }

  /** Resolves with false if the condition fails. @throws StoreError */
  async writeIf(row: RowWrite, call: Call): Promise<boolean> {
    const [result] = await this.#writeTogether([row], call);
    if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
    return result?.ok === true;
  }

  /**
   * Writes rows that may be written twice, and retries those that fail for the moment. A failed condition is no
   * failure.
   *
   * @throws `TimelineError` once a row fails for good or the deadline is near.
   */
  async writeRepeatable(rows: readonly RowWrite[], call: Call): Promise<void> {
    let left = rows;
    for (let attempt = 1; left.length > 0; attempt++) {
      const results = await this.write(left, call);
      const errors = results.map((result) =>
        result.ok || result.error.failure === 'condition' ? undefined : result.error,
      );
      const first = errors.find((error) => error !== undefined);
      if (!first) return;
      const error = toTimelineError(first, 'write');
      const ms = first.isTransient ? pauseAfter(attempt, error, call.deadline) : undefined;
      if (ms === undefined) throw error;
      await pause(ms);
      left = left.filter((_, i) => errors[i]);
    }
  }

  async #writeTogether(rows: readonly RowWrite[], call: Call): Promise<RowResult[]> {
    const byTable = new Map<string, number[]>();
    rows.forEach(({ table: { name } }, index) => {
      const indexes = byTable.get(name);
      if (indexes) indexes.push(index);
      else byTable.set(name, [index]);
    });
    const results = new Array<RowResult>(rows.length);
    try {
      const tables = [...byTable].map(([tableName, indexes]) => ({
        tableName,
        rows: indexes.map((index) => this.#toWrite(rows[index] as RowWrite)),
      }));
      const answer = await this.transport.send<{ tables: SdkBatchRow[] }>('batchWriteRow', { tables }, call);
      [...byTable.values()].flat().forEach((index, i) => {
        results[index] = this.#toResult(answer.tables[i]);
      });
    } catch (cause) {
      results.fill({ ok: false, error: requestError(cause) });
    }
    return results;
  }

  #toWrite({ table, key, type, put = [], remove = [], version, expect, condition, returnKey }: RowWrite): object {
    const cells = put.map((column) => this.#values.cell(column, version));
    const changes = [
      ...(cells.length > 0 ? [{ PUT: cells }] : []),
      ...(remove.length > 0 ? [{ DELETE_ALL: [...remove] }] : []),
    ];
    return {
      type,
      condition: this.#values.condition(expect, condition),
      primaryKey: this.#values.key(table, key),
      attributeColumns: type === 'PUT' ? cells : changes,
      ...(returnKey ? { returnContent: { returnType: 1 } } : {}),
    };
  }

  #toResult(row: SdkBatchRow | undefined): RowResult {
    if (row?.isOk) return { ok: true, key: this.#values.record({ primaryKey: row.primaryKey ?? null }).key };
    const unanswered = 'TableStore gave no answer for a row of a batch';
    return { ok: false, error: row ? rowError(row) : new StoreError('ambiguous', unanswered) };
  }
}

/** Splits rows into parts that one request can hold, in order. */
export function splitWrites(rows: readonly RowWrite[]): RowWrite[][] {
  const chunks: RowWrite[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = sizeOf(row.key, row.put ?? []);
    const last = chunks.at(-1);
    const fits = last && last.length < ROWS_PER_WRITE && bytes + size <= BYTES_PER_WRITE;
    if (fits) last.push(row);
    else chunks.push([row]);
    bytes = fits ? bytes + size : size;
  }
  return chunks;
}

const FLUSH_AFTER_MS = 1000;

/**
 * Row writes that no caller waits for. They share requests, a second after the first was added and when the library is
 * closed. Each must have a condition that keeps a newer value; if that fails, the write is done.
 */
export class DeferredWrites {
  readonly #requests: Requests;
  readonly #warn: (warning: AdapterWarning) => void;
  readonly #rows = new Map<string, RowWrite>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(requests: Requests, warn: (warning: AdapterWarning) => void) {
    this.#requests = requests;
    this.#warn = warn;
  }

  /** Replaces an earlier write to the same row. */
  add(row: RowWrite): void {
    this.#rows.set(nameOf(row), row);
    this.#timer ??= setTimeout(() => void this.#flush(this.#requests.transport.newCall()), FLUSH_AFTER_MS).unref();
  }

  /** Drops everything: the tables were made again. */
  clear(): void {
    this.#rows.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async close(call: Call): Promise<void> {
    await this.#flush(call);
    this.clear();
  }

  async #flush(call: Call): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
    const rows = [...this.#rows.values()];
    this.#rows.clear();
    this.#flushing = this.#write(rows, call);
    await this.#flushing;
  }

  /** Keeps a write that fails for the moment for the next flush. */
  async #write(rows: readonly RowWrite[], call: Call): Promise<void> {
    const results = await this.#requests.write(rows, call);
    results.forEach((result, i) => {
      if (result.ok || result.error.failure === 'condition' || result.error.failure === 'missing') return;
      const row = rows[i] as RowWrite;
      if (result.error.failure === 'refused') {
        const message = `a row of ${row.table.name} was refused: ${result.error.message}`;
        this.#warn({ code: 'tablestore-mark-lost', message });
      } else if (!this.#rows.has(nameOf(row))) this.add(row);
    });
  }
}

function nameOf({ table, key }: RowWrite): string {
  return JSON.stringify([table.name, ...key.map(String)]);
}
