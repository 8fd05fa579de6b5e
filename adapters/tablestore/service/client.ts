/**
 * What is used of the client of the `tablestore` package, version 5.6, which ships no types. A client of another shape in
 * its parameters fits too, as long as it behaves like that one.
 */
export interface TableStoreClient {
  createTable(parameters: object, callback?: SdkCallback): unknown;
  updateTable(parameters: object, callback?: SdkCallback): unknown;
  describeTable(parameters: object, callback?: SdkCallback): unknown;
  getRow(parameters: object, callback?: SdkCallback): unknown;
  getRange(parameters: object, callback?: SdkCallback): unknown;
  batchGetRow(parameters: object, callback?: SdkCallback): unknown;
  batchWriteRow(parameters: object, callback?: SdkCallback): unknown;
}

export type SdkCallback = (error: unknown, answer: unknown) => void;

/** 64 bits of the SDK; its only exact way out is the decimal string. */
export interface Int64 {
  toString(): string;
}

/**
 * What is used of the `tablestore` package itself. It knows its own values by identity, so this must be the very copy that the
 * client was made with.
 */
export interface TableStoreSdk {
  readonly Client: abstract new (...options: never[]) => unknown;
  readonly Long: { fromString(decimal: string): Int64 };
  readonly INF_MIN: unknown;
  readonly INF_MAX: unknown;
  readonly PK_AUTO_INCR: unknown;
  readonly Condition: new (existence: number, column: unknown) => unknown;
  readonly SingleColumnCondition: new (
    name: string,
    value: unknown,
    comparator: unknown,
    passIfMissing: boolean,
  ) => unknown;
  readonly CompositeCondition: new (operator: unknown) => { addSubCondition(condition: unknown): void };
  readonly ComparatorType: Readonly<Record<'EQUAL' | 'NOT_EQUAL' | 'LESS_THAN', unknown>>;
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

/** A row of a batch; one that failed has a code. */
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
