/** Messages of search indexes. Nested or echoed schemas, sorts and queries stay bytes until they are needed. */
import { ConsumedCapacity } from './messages-table.js';
import { optional, repeated } from './protobuf.js';

export const FieldType = {
  LONG: 1,
  DOUBLE: 2,
  BOOLEAN: 3,
  KEYWORD: 4,
  TEXT: 5,
  NESTED: 6,
  GEO_POINT: 7,
  DATE: 8,
  VECTOR: 9,
} as const;
export const FieldSchema = {
  fieldName: optional(1, 'string'),
  fieldType: optional(2, 'int32'),
  indexOptions: optional(3, 'int32'),
  analyzer: optional(4, 'string'),
  index: optional(5, 'bool'),
  docValues: optional(6, 'bool'),
  store: optional(7, 'bool'),
  /** Of a nested field: FieldSchema each. */
  fieldSchemas: repeated(8, 'bytes'),
  isArray: optional(9, 'bool'),
  analyzerParameter: optional(10, 'bytes'),
  isVirtualField: optional(11, 'bool'),
  sourceFieldNames: repeated(12, 'string'),
  dateFormats: repeated(13, 'string'),
  enableHighlighting: optional(14, 'bool'),
  vectorOptions: optional(15, 'bytes'),
  jsonType: optional(16, 'int32'),
};
export const SingleWordParameter = { caseSensitive: optional(1, 'bool'), delimitWord: optional(2, 'bool') };
export const SplitParameter = { delimiter: optional(1, 'string'), caseSensitive: optional(2, 'bool') };
export const FuzzyParameter = {
  minChars: optional(1, 'int32'),
  maxChars: optional(2, 'int32'),
  caseSensitive: optional(3, 'bool'),
};
export const IndexSchema = {
  fieldSchemas: repeated(1, FieldSchema),
  indexSetting: optional(2, 'bytes'),
  indexSort: optional(3, 'bytes'),
};

export const IndexRequest = { tableName: optional(1, 'string'), indexName: optional(2, 'string') };
export const CreateSearchIndexRequest = {
  ...IndexRequest,
  schema: optional(3, 'bytes'),
  sourceIndexName: optional(4, 'string'),
  timeToLive: optional(5, 'int32'),
};
export const UpdateSearchIndexRequest = {
  ...IndexRequest,
  switchIndexName: optional(3, 'string'),
  queryFlowWeight: repeated(4, 'bytes'),
  timeToLive: optional(5, 'int32'),
  addedFieldSchemas: repeated(6, 'bytes'),
};
export const ListSearchIndexRequest = { tableName: optional(1, 'string') };
export const ListSearchIndexResponse = { indices: repeated(1, IndexRequest) };

export const SyncPhase = { FULL: 1, INCR: 2 } as const;
export const INDEX_RUNNING = 3;
export const DescribeSearchIndexResponse = {
  schema: optional(1, 'bytes'),
  /** The timestamp is in nanoseconds since 1970. */
  syncStat: optional(2, { syncPhase: optional(1, 'int32'), currentSyncTimestamp: optional(2, 'int64') }),
  meteringInfo: optional(3, {
    storageSize: optional(1, 'int64'),
    rowCount: optional(2, 'int64'),
    timestamp: optional(4, 'int64'),
  }),
  createTime: optional(6, 'int64'),
  timeToLive: optional(7, 'int32'),
  indexStatus: optional(8, { status: optional(1, 'int32'), statusDescription: optional(2, 'string') }),
};

export const QueryType = {
  MATCH: 1,
  MATCH_PHRASE: 2,
  TERM: 3,
  RANGE: 4,
  PREFIX: 5,
  BOOL: 6,
  CONST_SCORE: 7,
  FUNCTION_SCORE: 8,
  NESTED: 9,
  WILDCARD: 10,
  MATCH_ALL: 11,
  GEO_BOUNDING_BOX: 12,
  GEO_DISTANCE: 13,
  GEO_POLYGON: 14,
  TERMS: 15,
  EXISTS: 16,
} as const;
export const Query = { type: optional(1, 'int32'), query: optional(2, 'bytes') };
const field = { fieldName: optional(1, 'string') };
export const MatchQuery = {
  ...field,
  text: optional(2, 'string'),
  minimumShouldMatch: optional(3, 'int32'),
  operator: optional(4, 'int32'),
};
export const MATCH_AND = 2;
export const TermQuery = { ...field, term: optional(2, 'bytes') };
export const TermsQuery = { ...field, terms: repeated(2, 'bytes') };
export const RangeQuery = {
  ...field,
  from: optional(2, 'bytes'),
  to: optional(3, 'bytes'),
  includeLower: optional(4, 'bool'),
  includeUpper: optional(5, 'bool'),
};
/** Prefix, wildcard, bounding box and distance queries: a field and a text. */
export const TextQuery = { ...field, text: optional(2, 'string') };
export const BoolQuery = {
  must: repeated(1, Query),
  mustNot: repeated(2, Query),
  filter: repeated(3, Query),
  should: repeated(4, Query),
  minimumShouldMatch: optional(5, 'int32'),
};
/** Constant score and function score queries: the query inside decides what matches. */
export const WrappingQuery = { query: optional(1, Query) };
export const NestedQuery = { path: optional(1, 'string'), query: optional(2, Query), innerHits: optional(5, 'bytes') };
export const ExistsQuery = field;
export const GeoBoxQuery = { ...field, topLeft: optional(2, 'string'), bottomRight: optional(3, 'string') };
export const GeoDistanceQuery = { ...field, centerPoint: optional(2, 'string'), distance: optional(3, 'double') };
export const GeoPolygonQuery = { ...field, points: repeated(2, 'string') };

export const DESCENDING = 1;
export const SortMode = { MIN: 0, MAX: 1, AVG: 2 } as const;
const order = { order: optional(1, 'int32') };
export const Sorter = {
  field: optional(1, {
    fieldName: optional(1, 'string'),
    order: optional(2, 'int32'),
    mode: optional(3, 'int32'),
    nestedFilter: optional(4, 'bytes'),
    missingValue: optional(5, 'bytes'),
    missingField: optional(6, 'string'),
  }),
  geoDistance: optional(2, {
    fieldName: optional(1, 'string'),
    points: repeated(2, 'string'),
    order: optional(3, 'int32'),
    mode: optional(4, 'int32'),
    distanceType: optional(5, 'int32'),
    nestedFilter: optional(6, 'bytes'),
  }),
  score: optional(3, order),
  primaryKey: optional(4, order),
  doc: optional(5, order),
};
export const Sort = { sorters: repeated(1, Sorter) };

export const ReturnColumns = { ALL: 1, SPECIFIED: 2, NONE: 3, ALL_FROM_INDEX: 4 } as const;
export const SearchRequest = {
  ...IndexRequest,
  columnsToGet: optional(3, { returnType: optional(1, 'int32'), columnNames: repeated(2, 'string') }),
  searchQuery: optional(4, 'bytes'),
};
export const SearchQuery = {
  offset: optional(1, 'int32'),
  limit: optional(2, 'int32'),
  query: optional(4, Query),
  collapse: optional(5, field),
  sort: optional(6, 'bytes'),
  getTotalCount: optional(8, 'bool'),
  token: optional(9, 'bytes'),
  aggregations: optional(10, 'bytes'),
  groupBys: optional(11, 'bytes'),
  highlight: optional(12, 'bytes'),
  trackTotalCount: optional(13, 'int32'),
  filter: optional(14, { query: optional(1, Query) }),
};
export const SearchResponse = {
  /** −1: not asked for. */
  totalHits: optional(1, 'int64'),
  rows: repeated(2, 'bytes'),
  isAllSucceeded: optional(3, 'bool'),
  nextToken: optional(6, 'bytes'),
  consumed: optional(9, ConsumedCapacity),
};

export const ComputeSplitsRequest = {
  tableName: optional(1, 'string'),
  /** Of search indexes; there are no others. */
  options: optional(2, { indexName: optional(1, 'string') }),
};
export const ComputeSplitsResponse = { sessionId: optional(1, 'bytes'), splitsSize: optional(2, 'int32') };
export const ParallelScanRequest = {
  ...IndexRequest,
  columnsToGet: SearchRequest.columnsToGet,
  sessionId: optional(4, 'bytes'),
  scanQuery: optional(5, {
    query: optional(1, Query),
    limit: optional(2, 'int32'),
    token: optional(4, 'bytes'),
    currentParallelId: optional(5, 'int32'),
    maxParallel: optional(6, 'int32'),
  }),
};
export const ParallelScanResponse = { rows: repeated(1, 'bytes'), nextToken: optional(2, 'bytes') };
