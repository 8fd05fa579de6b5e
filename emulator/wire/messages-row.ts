/** Messages that read and write rows. Rows and keys travel inside as PlainBuffer bytes. */
import { ConsumedCapacity, ErrorMessage } from './messages-table.js';
import { optional, repeated, required } from './protobuf.js';

export const RowExistence = { IGNORE: 0, EXPECT_EXIST: 1, EXPECT_NOT_EXIST: 2 } as const;
export const ReturnType = { NONE: 0, PRIMARY_KEY: 1, AFTER_MODIFY: 2 } as const;
export const Direction = { FORWARD: 0, BACKWARD: 1 } as const;
export const WriteType = { PUT: 1, UPDATE: 2, DELETE: 3 } as const;

export const Condition = { rowExistence: required(1, 'int32'), columnCondition: optional(2, 'bytes') };
export const ReturnContent = { returnType: optional(1, 'int32'), returnColumnNames: repeated(2, 'string') };
export const TimeRange = {
  startTime: optional(1, 'int64'),
  endTime: optional(2, 'int64'),
  specificTime: optional(3, 'int64'),
};

export const GetRowRequest = {
  tableName: required(1, 'string'),
  primaryKey: required(2, 'bytes'),
  columnsToGet: repeated(3, 'string'),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, 'int32'),
  filter: optional(7, 'bytes'),
  startColumn: optional(8, 'string'),
  endColumn: optional(9, 'string'),
  token: optional(10, 'bytes'),
  transactionId: optional(11, 'string'),
};
export const GetRowResponse = { consumed: required(1, ConsumedCapacity), row: required(2, 'bytes') };

/** Shared by PutRow, UpdateRow and DeleteRow. */
export const WriteRowRequest = {
  tableName: required(1, 'string'),
  row: required(2, 'bytes'),
  condition: required(3, Condition),
  returnContent: optional(4, ReturnContent),
  transactionId: optional(5, 'string'),
};
export const WriteRowResponse = { consumed: required(1, ConsumedCapacity), row: optional(2, 'bytes') };

export const BatchGetRowRequest = {
  tables: repeated(1, {
    tableName: required(1, 'string'),
    primaryKeys: repeated(2, 'bytes'),
    tokens: repeated(3, 'bytes'),
    columnsToGet: repeated(4, 'string'),
    timeRange: optional(5, TimeRange),
    maxVersions: optional(6, 'int32'),
    filter: optional(8, 'bytes'),
    startColumn: optional(9, 'string'),
    endColumn: optional(10, 'string'),
  }),
};

export const BatchWriteRowRequest = {
  tables: repeated(1, {
    tableName: required(1, 'string'),
    rows: repeated(2, {
      type: required(1, 'int32'),
      rowChange: required(2, 'bytes'),
      condition: required(3, Condition),
      returnContent: optional(4, ReturnContent),
    }),
  }),
  transactionId: optional(2, 'string'),
  isAtomic: optional(3, 'bool'),
};

export const RowResult = {
  isOk: required(1, 'bool'),
  error: optional(2, ErrorMessage),
  consumed: optional(3, ConsumedCapacity),
  row: optional(4, 'bytes'),
};
/** Shared by both batch operations: tables and rows in the order of the request. */
export const BatchResponse = {
  tables: repeated(1, { tableName: required(1, 'string'), rows: repeated(2, RowResult) }),
};

export const GetRangeRequest = {
  tableName: required(1, 'string'),
  direction: required(2, 'int32'),
  columnsToGet: repeated(3, 'string'),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, 'int32'),
  limit: optional(6, 'int32'),
  inclusiveStart: required(7, 'bytes'),
  exclusiveEnd: required(8, 'bytes'),
  filter: optional(10, 'bytes'),
  startColumn: optional(11, 'string'),
  endColumn: optional(12, 'string'),
  token: optional(13, 'bytes'),
  transactionId: optional(14, 'string'),
  dataBlockTypeHint: optional(15, 'int32'),
};
export const DataBlockType = { PLAIN_BUFFER: 0, ROW_MATRIX: 1 } as const;
export const GetRangeResponse = {
  consumed: required(1, ConsumedCapacity),
  rows: required(2, 'bytes'),
  nextStart: optional(3, 'bytes'),
  dataBlockType: optional(5, 'int32'),
  compressType: optional(6, 'int32'),
};

export const StartLocalTransactionRequest = { tableName: required(1, 'string'), key: required(2, 'bytes') };
export const TransactionMessage = { transactionId: required(1, 'string') };

export const FilterType = { SINGLE_COLUMN: 1, COMPOSITE: 2, PAGINATION: 3 } as const;
export const Filter = { type: required(1, 'int32'), filter: required(2, 'bytes') };
export const Comparator = {
  EQUAL: 1,
  NOT_EQUAL: 2,
  GREATER: 3,
  GREATER_OR_EQUAL: 4,
  LESS: 5,
  LESS_OR_EQUAL: 6,
} as const;
export const SingleColumnFilter = {
  comparator: required(1, 'int32'),
  columnName: required(2, 'string'),
  columnValue: required(3, 'bytes'),
  filterIfMissing: required(4, 'bool'),
  latestVersionOnly: required(5, 'bool'),
};
export const LogicalOperator = { NOT: 1, AND: 2, OR: 3 } as const;
export const CompositeFilter = { combinator: required(1, 'int32'), subFilters: repeated(2, Filter) };
export const PaginationFilter = { offset: required(1, 'int32'), limit: required(2, 'int32') };
