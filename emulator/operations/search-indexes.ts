import { parameterInvalid } from '../errors.js';
import { FieldMap } from '../search/document.js';
import { checkSchema, describedSchema } from '../search/schema.js';
import { parseSort } from '../search/sort.js';
import type { Instance } from '../storage/instance.js';
import type { Table } from '../storage/table.js';
import {
  CreateSearchIndexRequest,
  DescribeSearchIndexResponse,
  INDEX_RUNNING,
  IndexRequest,
  ListSearchIndexRequest,
  ListSearchIndexResponse,
  SyncPhase,
  UpdateSearchIndexRequest,
} from '../wire/messages-search.js';
import { Empty } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';
import { checkOptions } from './table-checks.js';
import { refuseUnsupported } from './unsupported.js';

export const createSearchIndex = operation(CreateSearchIndexRequest, Empty, (instance, request) => {
  const table = instance.tableToSearch(request.tableName ?? '');
  checkTableName(request.indexName ?? '', 'index');
  refuseUnsupported('CreateSearchIndex', request, ['sourceIndexName']);
  checkSchema(request.schema);
  const fields = new FieldMap(request.schema);
  parseSort(fields.order, fields);
  checkTimeToLive(request.timeToLive, table);
  const index = instance.search.create(request, table, instance.now());
  instance.saveIndex(index);
  return {};
});

export const updateSearchIndex = operation(UpdateSearchIndexRequest, Empty, (instance, request) => {
  const index = find(instance, request);
  refuseUnsupported('UpdateSearchIndex', request, ['switchIndexName', 'queryFlowWeight', 'addedFieldSchemas']);
  if (request.timeToLive === undefined) throw parameterInvalid('No property is specified in UpdateSearchIndex.');
  checkTimeToLive(request.timeToLive, index.table);
  index.definition.timeToLive = request.timeToLive;
  instance.saveIndex(index);
  return {};
});

export const listSearchIndex = operation(ListSearchIndexRequest, ListSearchIndexResponse, (instance, { tableName }) => {
  const listed = tableName ? instance.search.of(instance.tableToSearch(tableName).name) : [...instance.search.all()];
  return {
    indices: listed.map(({ definition }) => ({ tableName: definition.tableName, indexName: definition.indexName })),
  };
});

export const describeSearchIndex = operation(IndexRequest, DescribeSearchIndexResponse, (instance, request) => {
  const index = find(instance, request);
  const { schema, timeToLive = -1 } = index.definition;
  const now = BigInt(instance.now());
  return {
    schema: describedSchema(schema),
    syncStat: { syncPhase: index.isCaughtUp ? SyncPhase.INCR : SyncPhase.FULL, currentSyncTimestamp: now * 1_000_000n },
    meteringInfo: { storageSize: 0n, rowCount: BigInt(index.rowCount), timestamp: now * 1_000_000n },
    createTime: BigInt(index.createdAt) * 1000n,
    timeToLive,
    indexStatus: { status: INDEX_RUNNING },
  };
});

export const deleteSearchIndex = operation(IndexRequest, Empty, (instance, request) => {
  instance.dropIndex(find(instance, request));
  return {};
});

function checkTimeToLive(timeToLive: number | undefined, table: Table): void {
  if (timeToLive === undefined || timeToLive === -1) return;
  checkOptions({ timeToLive });
  if (table.options.allowUpdate) {
    throw parameterInvalid('The table must not allow update to set the time to live of a search index.');
  }
}

function find(
  instance: Instance,
  { tableName = '', indexName = '' }: { tableName?: string | undefined; indexName?: string | undefined },
) {
  return instance.search.get(instance.tableToSearch(tableName).name, indexName);
}
