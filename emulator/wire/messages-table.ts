/** Messages about tables, and the small ones that the others share. */
import { optional, repeated, required } from './protobuf.js';

export const ErrorMessage = { code: required(1, 'string'), message: optional(2, 'string') };

export const PrimaryKeyType = { INTEGER: 1, STRING: 2, BINARY: 3 } as const;
export const AUTO_INCREMENT = 1;
export const PrimaryKeySchema = {
  name: required(1, 'string'),
  type: required(2, 'int32'),
  option: optional(3, 'int32'),
};
export const DefinedColumnSchema = { name: required(1, 'string'), type: required(2, 'int32') };

export const IndexMeta = {
  name: required(1, 'string'),
  primaryKey: repeated(2, 'string'),
  definedColumn: repeated(3, 'string'),
  updateMode: optional(4, 'int32'),
  type: optional(5, 'int32'),
  syncPhase: optional(6, 'int32'),
};
export const TableMeta = {
  tableName: required(1, 'string'),
  primaryKey: repeated(2, PrimaryKeySchema),
  definedColumn: repeated(3, DefinedColumnSchema),
  indexMetas: repeated(4, IndexMeta),
};
export const TableOptions = {
  /** Seconds; −1 for ever. */
  timeToLive: optional(1, 'int32'),
  maxVersions: optional(2, 'int32'),
  bloomFilterType: optional(3, 'int32'),
  blockSize: optional(4, 'int32'),
  /** How far a version given by a client may be from the clock, in seconds. */
  deviation: optional(5, 'int64'),
  allowUpdate: optional(6, 'bool'),
  updateFullRow: optional(7, 'bool'),
};

export const CapacityUnit = { read: optional(1, 'int32'), write: optional(2, 'int32') };
export const ConsumedCapacity = { capacityUnit: required(1, CapacityUnit) };
export const ReservedThroughput = { capacityUnit: required(1, CapacityUnit) };
export const ReservedThroughputDetails = {
  capacityUnit: required(1, CapacityUnit),
  lastIncreaseTime: required(2, 'int64'),
  lastDecreaseTime: optional(3, 'int64'),
};

export const StreamSpecification = {
  enableStream: required(1, 'bool'),
  expirationTime: optional(2, 'int32'),
  columnsToGet: repeated(3, 'string'),
};
export const StreamDetails = {
  enableStream: required(1, 'bool'),
  streamId: optional(2, 'string'),
  expirationTime: optional(3, 'int32'),
  lastEnableTime: optional(4, 'int64'),
};

export const CreateTableRequest = {
  tableMeta: required(1, TableMeta),
  reservedThroughput: required(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  partitions: repeated(4, 'bytes'),
  streamSpecification: optional(5, StreamSpecification),
  sseSpecification: optional(6, { enable: required(1, 'bool') }),
  indexMetas: repeated(7, IndexMeta),
  enableLocalTransactions: optional(8, 'bool'),
};

export const UpdateTableRequest = {
  tableName: required(1, 'string'),
  reservedThroughput: optional(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  streamSpecification: optional(4, StreamSpecification),
};
export const UpdateTableResponse = {
  reservedThroughputDetails: required(1, ReservedThroughputDetails),
  tableOptions: required(2, TableOptions),
  streamDetails: optional(3, StreamDetails),
};

export const TableStatus = { ACTIVE: 1, LOADING: 3 } as const;
export const DescribeTableResponse = {
  tableMeta: required(1, TableMeta),
  reservedThroughputDetails: required(2, ReservedThroughputDetails),
  tableOptions: required(3, TableOptions),
  tableStatus: required(4, 'int32'),
  streamDetails: optional(5, StreamDetails),
  indexMetas: repeated(8, IndexMeta),
  /** Microseconds since 1970. */
  creationTime: optional(9, 'int64'),
};

export const TableNameRequest = { tableName: required(1, 'string') };
export const ListTableResponse = { tableNames: repeated(1, 'string') };

export const CreateIndexRequest = {
  mainTableName: required(1, 'string'),
  indexMeta: required(2, IndexMeta),
  includeBaseData: optional(3, 'bool'),
};
export const DropIndexRequest = { mainTableName: required(1, 'string'), indexName: required(2, 'string') };

export const ComputeSplitPointsRequest = {
  tableName: required(1, 'string'),
  /** In units of 100 MB, unless another unit is given. */
  splitSize: required(2, 'int64'),
  splitSizeUnit: optional(3, 'int64'),
};
export const ComputeSplitPointsResponse = {
  consumed: required(1, ConsumedCapacity),
  schema: repeated(2, PrimaryKeySchema),
  splitPoints: repeated(3, 'bytes'),
  /** Where the splits are, in their order; `repeat` of them in one place. */
  locations: repeated(4, { location: required(1, 'string'), repeat: required(2, 'sint64') }),
};

export const ListStreamRequest = { tableName: optional(1, 'string') };
export const ListStreamResponse = {
  streams: repeated(1, {
    streamId: required(1, 'string'),
    tableName: required(2, 'string'),
    creationTime: required(3, 'int64'),
  }),
};
export const ListTimeseriesTableResponse = { tables: repeated(1, 'bytes') };

export const Empty = {};
