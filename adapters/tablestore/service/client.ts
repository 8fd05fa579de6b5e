import type { AdapterWarning } from '../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';

/**
 * The methods that the adapter calls on a `Client` of the `tablestore` package, version 5.6, which ships no types. A
 * wrapper fits too if it behaves like that client.
 */
export interface TableStoreClient {
  /** Creates a table. */
  createTable(parameters: object, callback?: SdkCallback): unknown;
  /** Changes options of a table, such as its TTL. */
  updateTable(parameters: object, callback?: SdkCallback): unknown;
  /** Returns the primary key and the options of a table. */
  describeTable(parameters: object, callback?: SdkCallback): unknown;
  /** Reads one row. */
  getRow(parameters: object, callback?: SdkCallback): unknown;
  /** Reads a page of rows between two primary keys. */
  getRange(parameters: object, callback?: SdkCallback): unknown;
  /** Reads many rows. */
  batchGetRow(parameters: object, callback?: SdkCallback): unknown;
  /** Writes many rows; each one has its own outcome. */
  batchWriteRow(parameters: object, callback?: SdkCallback): unknown;
}

export type SdkCallback = (error: unknown, answer: unknown) => void;

/** The SDK's 64-bit integer; only its decimal string is exact. */
export interface Int64 {
  toString(): string;
}

/**
 * The members of the `tablestore` package that the adapter uses. The SDK recognizes its own values by identity, so this
 * must be the same copy that made the client.
 */
export interface TableStoreSdk {
  /** Class of the clients. */
  readonly Client: abstract new (
    ...options: never[]
  ) => unknown;
  /** Makes 64-bit integers. */
  readonly Long: { fromString(decimal: string): Int64 };
  /** Bound of a range: before every value of a key column. */
  readonly INF_MIN: unknown;
  /** Bound of a range: after every value of a key column. */
  readonly INF_MAX: unknown;
  /** Value of a key column that the service chooses. */
  readonly PK_AUTO_INCR: unknown;
  /** Condition of a write: whether the row exists, and a condition on its columns. */
  readonly Condition: new (
    existence: number,
    column: unknown,
  ) => unknown;
  /** Condition on one column. */
  readonly SingleColumnCondition: new (
    name: string,
    value: unknown,
    comparator: unknown,
    passIfMissing: boolean,
  ) => unknown;
  /** Conditions joined by an operator. */
  readonly CompositeCondition: new (
    operator: unknown,
  ) => { addSubCondition(condition: unknown): void };
  /** Comparisons of a `SingleColumnCondition`. */
  readonly ComparatorType: Readonly<Record<'EQUAL' | 'NOT_EQUAL' | 'LESS_THAN', unknown>>;
  /** Operators of a `CompositeCondition`. */
  readonly LogicalOperator: Readonly<Record<'AND' | 'OR', unknown>>;
}

export interface SdkKeyColumn {
  readonly name: string;
  readonly value: unknown;
}

export interface SdkRow {
  readonly primaryKey?: readonly SdkKeyColumn[] | null;
  readonly attributes?:
    | readonly { readonly columnName: string; readonly columnValue: unknown; readonly timestamp: Int64 }[]
    | null;
}

/** A row of a batch. A failed row has an error code. */
export interface SdkBatchRow extends SdkRow {
  readonly isOk: boolean;
  readonly errorCode?: string | null;
  readonly errorMessage?: string | null;
}

export interface SdkRange {
  readonly rows: readonly SdkRow[];
  readonly nextStartPrimaryKey?: readonly SdkKeyColumn[] | null;
}

export interface SdkTable {
  readonly tableMeta: {
    readonly primaryKey: readonly { readonly name: string; readonly type: number; readonly option?: number }[];
  };
  readonly tableOptions: { readonly timeToLive: number };
}

/**
 * Resolves with `given`, or with the installed `tablestore` package.
 *
 * @throws `TIMELINE_MISSING_DRIVER` if the package is not installed, `TIMELINE_INVALID_ARGUMENT` if another copy made
 * the client.
 */
export async function loadSdk(client: TableStoreClient, given: TableStoreSdk | undefined): Promise<TableStoreSdk> {
  const sdk = given ?? (await importSdk());
  if (client instanceof sdk.Client) return sdk;
  const problem =
    'is not a Client of the tablestore package that was found; give the one it was made with as the option sdk';
  throw invalidArgument('client', problem);
}

async function importSdk(): Promise<TableStoreSdk> {
  try {
    // The package has no types: a specifier that is not a literal keeps the compiler from looking for them.
    const name: string = 'tablestore';
    return (await import(name)).default as TableStoreSdk;
  } catch (cause) {
    const message = 'the tablestore adapter needs the package tablestore: npm install tablestore';
    throw new TimelineError('TIMELINE_MISSING_DRIVER', message, { cause });
  }
}

/** Warns with `tablestore-client` about SDK defaults that make a process hang or repeat requests. */
export function checkClient(client: TableStoreClient, warn: (warning: AdapterWarning) => void): void {
  const { config } = client as {
    config?: { httpOptions?: { timeout?: unknown; agent?: unknown }; maxRetries?: unknown };
  };
  if (!config) return;
  const missing: string[] = [];
  if (!config.httpOptions?.timeout)
    missing.push('httpOptions.timeout (a server that is silent keeps a connection for ever)');
  if (!config.httpOptions?.agent)
    missing.push('httpOptions.agent (the agent of the whole process is used and changed)');
  if (config.maxRetries !== 0) missing.push('maxRetries: 0 (reads are repeated for a minute before they fail)');
  if (missing.length === 0) return;
  warn({ code: 'tablestore-client', message: `the TableStore client was made without ${missing.join(', ')}` });
}
