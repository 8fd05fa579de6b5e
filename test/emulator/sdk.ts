/** The unmodified Node SDK, which ships no types: as much of it as these tests call. */
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { onTestFinished } from 'vitest';
import { type EmulatorOptions, startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';

export interface Int64 {
  toString(): string;
}
export type Key = Readonly<Record<string, unknown>>[];
export interface SdkRow {
  readonly primaryKey?: { readonly name: string; readonly value: unknown }[] | null;
  readonly attributes?:
    | { readonly columnName: string; readonly columnValue: unknown; readonly timestamp: Int64 }[]
    | null;
}
export interface BatchItem extends SdkRow {
  readonly isOk: boolean;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly tableName: string;
}
interface Consumed {
  readonly consumed: { readonly capacityUnit: { readonly read: number; readonly write: number } };
}
type Call<A> = (parameters: Readonly<Record<string, unknown>>) => Promise<A>;

export interface SdkClient {
  readonly createTable: Call<unknown>;
  readonly updateTable: Call<{ readonly tableOptions: Readonly<Record<string, unknown>> }>;
  readonly describeTable: Call<{
    readonly tableMeta: {
      readonly primaryKey: { readonly name: string; readonly type: number; readonly option: number }[];
    };
    readonly tableOptions: Readonly<Record<string, unknown>>;
    readonly tableStatus: number;
    readonly indexMetas: { readonly name: string }[];
  }>;
  readonly listTable: Call<{ readonly tableNames: string[] }>;
  readonly deleteTable: Call<unknown>;
  readonly createIndex: Call<unknown>;
  readonly dropIndex: Call<unknown>;
  readonly getRow: Call<Consumed & { readonly row: SdkRow }>;
  readonly putRow: Call<Consumed & { readonly row: SdkRow }>;
  readonly updateRow: Call<Consumed & { readonly row: SdkRow }>;
  readonly deleteRow: Call<Consumed & { readonly row: SdkRow }>;
  readonly batchGetRow: Call<{ readonly tables: BatchItem[][] }>;
  readonly batchWriteRow: Call<{ readonly tables: BatchItem[] }>;
  readonly getRange: Call<
    Consumed & { readonly rows: SdkRow[]; readonly nextStartPrimaryKey: { name: string; value: unknown }[] | null }
  >;
  readonly startLocalTransaction: Call<{ readonly transactionId: string }>;
  readonly commitTransaction: Call<unknown>;
  readonly abortTransaction: Call<unknown>;
  readonly createSearchIndex: Call<unknown>;
  readonly describeSearchIndex: Call<{
    readonly schema: { readonly fieldSchemas: { readonly fieldName: string }[] };
    readonly syncStat: { readonly syncPhase: number };
  }>;
  readonly listSearchIndex: Call<{ readonly indices: { readonly indexName: string }[] }>;
  readonly deleteSearchIndex: Call<unknown>;
  readonly search: Call<{
    readonly totalCounts?: string;
    readonly nextToken: Uint8Array | null;
    readonly rows: SdkRow[];
  }>;
}

interface Sdk {
  readonly Client: new (options: Readonly<Record<string, unknown>>) => SdkClient;
  readonly Long: { fromNumber(value: number): Int64; fromString(value: string): Int64 };
  readonly Condition: new (existence: number, column: unknown) => unknown;
  readonly SingleColumnCondition: new (
    name: string,
    value: unknown,
    comparator: unknown,
    passIfMissing?: boolean,
    latestOnly?: boolean,
  ) => unknown;
  readonly CompositeCondition: new (operator: unknown) => { addSubCondition(condition: unknown): void };
  readonly ColumnPaginationFilter: new (limit: number, offset: number) => unknown;
  readonly ComparatorType: Readonly<
    Record<'EQUAL' | 'NOT_EQUAL' | 'GREATER_THAN' | 'GREATER_EQUAL' | 'LESS_THAN' | 'LESS_EQUAL', unknown>
  >;
  readonly LogicalOperator: Readonly<Record<'NOT' | 'AND' | 'OR', unknown>>;
  readonly Direction: Readonly<Record<'FORWARD' | 'BACKWARD', unknown>>;
  readonly QueryType: Readonly<Record<string, number>>;
  readonly FieldType: Readonly<Record<string, number>>;
  readonly ColumnReturnType: Readonly<Record<string, number>>;
  readonly SortOrder: Readonly<Record<string, number>>;
  readonly QueryOperator: Readonly<Record<string, number>>;
  readonly INF_MIN: unknown;
  readonly INF_MAX: unknown;
  readonly PK_AUTO_INCR: unknown;
  readonly PlainBufferBuilder: {
    serializePrimaryKey(key: Key): Uint8Array;
    serializeForPutRow(key: Key, columns: Key): Uint8Array;
  };
}

export const sdk = createRequire(import.meta.url)('tablestore') as Sdk;

export const int = (value: number | bigint | string) => sdk.Long.fromString(String(value));
export const condition = (
  existence: 'IGNORE' | 'EXPECT_EXIST' | 'EXPECT_NOT_EXIST' = 'IGNORE',
  column: unknown = null,
) => new sdk.Condition({ IGNORE: 0, EXPECT_EXIST: 1, EXPECT_NOT_EXIST: 2 }[existence], column);
export const returnKey = { returnType: 1 };

/** Columns of a row by name; integers as decimal strings. */
export function columnsOf(row: SdkRow): Record<string, unknown> {
  return Object.fromEntries(
    (row.attributes ?? []).map(({ columnName, columnValue }) => [columnName, plain(columnValue)]),
  );
}
export function keyOf(row: SdkRow): unknown[] {
  return (row.primaryKey ?? []).map(({ value }) => plain(value));
}
/** A key as it came, in the shape that the SDK takes. */
export function asKey(key: readonly { readonly name: string; readonly value: unknown }[]): Key {
  return key.map(({ name, value }) => ({ [name]: value }));
}
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return typeof value === 'object' && value !== null ? String(value) : value;
}

/** The code in the raw bytes that the SDK passes on as a message. */
export async function errorOf(call: Promise<unknown>): Promise<{ code: string; text: string; status: unknown }> {
  const error = await call.then(
    (value) => new Error(`expected an error, got ${JSON.stringify(value)}`),
    (reason: Error & { code?: unknown }) => reason,
  );
  const code = /OTS[A-Za-z]+/.exec(error.message)?.[0] ?? error.message;
  return { code, text: error.message, status: 'code' in error ? error.code : undefined };
}

export function clientOf(
  emulator: Omit<TablestoreEmulator, 'inject' | 'close'>,
  more: Readonly<Record<string, unknown>> = {},
): SdkClient {
  return new sdk.Client({
    accessKeyId: emulator.accessKeyId,
    secretAccessKey: emulator.accessKeySecret,
    endpoint: emulator.endpoint,
    instancename: emulator.instanceName,
    maxRetries: 0,
    // The SDK's default agent is the process's, and would reuse connections to an emulator that is gone.
    httpOptions: { timeout: 10_000, agent: new Agent({ keepAlive: true }) },
    ...more,
  });
}

/** An emulator for one test, and a client of it. */
export async function start(options: EmulatorOptions = {}) {
  const emulator = await startTablestoreEmulator(options);
  onTestFinished(() => emulator.close());
  return { emulator, client: clientOf(emulator) };
}

interface TableShape {
  /** Column name to type; `'AUTO'` is an auto-increment integer. */
  readonly key?: Readonly<Record<string, 'STRING' | 'INTEGER' | 'BINARY' | 'AUTO'>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
}

export function createTable(
  client: SdkClient,
  tableName: string,
  { key = { gid: 'STRING', seq: 'INTEGER' }, options, more, meta }: TableShape = {},
) {
  const primaryKey = Object.entries(key).map(([name, type]) =>
    type === 'AUTO' ? { name, type: 'INTEGER', option: 'AUTO_INCREMENT' } : { name, type },
  );
  return client.createTable({
    tableMeta: { tableName, primaryKey, ...meta },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: -1, maxVersions: 1, ...options },
    ...more,
  });
}

/** Puts a row of a table with the default key. */
export function put(
  client: SdkClient,
  tableName: string,
  gid: string,
  seq: unknown,
  columns: Key = [{ c: 'v' }],
  more = {},
) {
  return client.putRow({
    tableName,
    condition: condition(),
    primaryKey: [{ gid }, { seq: typeof seq === 'number' ? int(seq) : seq }],
    attributeColumns: columns,
    ...more,
  });
}
export function get(client: SdkClient, tableName: string, gid: string, seq: number | bigint | string, more = {}) {
  return client.getRow({ tableName, primaryKey: [{ gid }, { seq: int(seq) }], ...more });
}

/** All rows of a table, page by page. `key`: the names of its key columns. */
export async function allRows(
  client: SdkClient,
  tableName = 't',
  key: readonly string[] = ['gid', 'seq'],
): Promise<SdkRow[]> {
  const found: SdkRow[] = [];
  let start: Key | undefined = key.map((name) => ({ [name]: sdk.INF_MIN }));
  while (start) {
    const { rows, nextStartPrimaryKey } = await client.getRange({
      tableName,
      direction: sdk.Direction.FORWARD,
      inclusiveStartPrimaryKey: start,
      exclusiveEndPrimaryKey: key.map((name) => ({ [name]: sdk.INF_MAX })),
    });
    found.push(...rows);
    start = nextStartPrimaryKey ? asKey(nextStartPrimaryKey) : undefined;
  }
  return found;
}

/** Puts rows of the default key 200 at a time, all with the same column. */
export async function putMany(
  client: SdkClient,
  keys: readonly (readonly [gid: string, seq: number])[],
  value: string,
) {
  for (let at = 0; at < keys.length; at += 200) {
    const rows = keys.slice(at, at + 200).map(([gid, seq]) => ({
      type: 'PUT',
      condition: condition(),
      primaryKey: [{ gid }, { seq: int(seq) }],
      attributeColumns: [{ c: value }],
    }));
    await client.batchWriteRow({ tables: [{ tableName: 't', rows }] });
  }
}
