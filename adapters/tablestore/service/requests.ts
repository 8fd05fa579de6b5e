import type { Call } from '../../../src/adapter.js';
import { pauseAfter, retryUntil } from '../../../src/retry.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Column } from '../layouts/layout.js';
import type { SdkBatchRow, SdkKeyColumn, SdkRange, SdkRow, TableStoreClient, TableStoreSdk } from './client.js';
import { isTableMissing, requestError, rowError, StoreError, toTimelineError } from './errors.js';
import { Transport } from './transport.js';
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
  readonly backward?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly columns?: readonly string[] | undefined;
}

export interface RangePage {
  readonly rows: StoredRecord[];
  /** The key to continue from; absent at the end of the range. */
  readonly next?: readonly KeyPart[];
}

/** The service's requests in terms of rows. Each ends by the deadline of its call. */
export class Requests {
  readonly #values: Values;
  readonly transport: Transport;

  constructor(
    client: TableStoreClient,
    sdk: TableStoreSdk,
    limits: { readonly timeoutMs: number; readonly parallel: number },
  ) {
    this.#values = new Values(sdk);
    this.transport = new Transport(client, limits);
  }

  /** Reads one page. The service ends it at its own limits too, possibly before any row. */
  async range(request: RangeRequest, call: Call): Promise<RangePage> {
    const { table, from, to, backward, limit, columns } = request;
    return this.#read(call, async () => {
      const parameters = {
        tableName: table.name,
        direction: backward ? 'BACKWARD' : 'FORWARD',
        inclusiveStartPrimaryKey: this.#values.key(table, from),
        exclusiveEndPrimaryKey: this.#values.key(table, to),
        limit,
        columnsToGet: columns && [...columns],
      };
      const answer = await this.transport.send<SdkRange>('getRange', parameters, call);
      const rows = answer.rows.map((row) => this.#values.record(row));
      return answer.nextStartPrimaryKey ? { rows, next: this.#keyOf(answer.nextStartPrimaryKey) } : { rows };
    });
  }

  /** Reads rows by key, in the order of `keys`; `undefined` for a row that does not exist. */
  async get(
    table: Table,
    keys: readonly (readonly KeyPart[])[],
    call: Call,
    columns?: readonly string[],
  ): Promise<(StoredRecord | undefined)[]> {
    const chunks: (readonly (readonly KeyPart[])[])[] = [];
    for (let at = 0; at < keys.length; at += ROWS_PER_GET) chunks.push(keys.slice(at, at + ROWS_PER_GET));
    return (await Promise.all(chunks.map((chunk) => this.#getChunk(table, chunk, call, columns)))).flat();
  }

  async #getChunk(
    table: Table,
    keys: readonly (readonly KeyPart[])[],
    call: Call,
    columns: readonly string[] | undefined,
  ) {
    return this.#read(call, async () => {
      const primaryKey = keys.map((key) => this.#values.key(table, key));
      const tables = [{ tableName: table.name, primaryKey, columnsToGet: columns && [...columns] }];
      const answer = await this.transport.send<{ tables: SdkBatchRow[][] }>('batchGetRow', { tables }, call);
      return (answer.tables[0] ?? []).map((row) => {
        if (!row.isOk) throw rowError(row.errorCode ?? '', row.errorMessage ?? '');
        return row.primaryKey ? this.#values.record(row) : undefined;
      });
    });
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
    rows.forEach(({ table }, index) => {
      const indexes = byTable.get(table.name);
      if (indexes) indexes.push(index);
      else byTable.set(table.name, [index]);
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
      const error = requestError(cause);
      results.fill({ ok: false, error });
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
    if (row?.isOk) return { ok: true, key: row.primaryKey ? this.#keyOf(row.primaryKey) : [] };
    const error = row
      ? rowError(row.errorCode ?? '', row.errorMessage ?? '')
      : new StoreError('ambiguous', 'TableStore gave no answer for a row of a batch');
    return { ok: false, error };
  }

  #keyOf(key: readonly SdkKeyColumn[]): readonly KeyPart[] {
    return this.#values.record({ primaryKey: key } as SdkRow).key;
  }
}

/** Splits rows into parts that one request can hold, in order. */
export function splitWrites(rows: readonly RowWrite[]): RowWrite[][] {
  const chunks: RowWrite[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = sizeOf(row.key, row.put ?? []);
    const last = chunks.at(-1);
    if (last && last.length < ROWS_PER_WRITE && bytes + size <= BYTES_PER_WRITE) {
      last.push(row);
      bytes += size;
    } else {
      chunks.push([row]);
      bytes = size;
    }
  }
  return chunks;
}
