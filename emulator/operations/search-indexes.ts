import { parameterInvalid } from '../errors.js';
import { describedSchema } from '../search/schema.js';
import type { Instance } from '../storage/instance.js';
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

export const createSearchIndex = operation(CreateSearchIndexRequest, Empty, (instance, request) => {
  const table = instance.tableToSearch(request.tableName ?? '');
  checkTableName(request.indexName ?? '', 'index');
  const expires = request.timeToLive !== undefined && request.timeToLive !== -1;
  if (expires && table.options.allowUpdate) {
    throw parameterInvalid('The table must not allow update to set the time to live of a search index.');
  }
  const index = instance.search.create(request, table, instance.now());
  instance.saveIndex(index);
  return {};
});

export const updateSearchIndex = operation(UpdateSearchIndexRequest, Empty, (instance, request) => {
  const index = find(instance, request);
  if (request.timeToLive !== undefined) index.definition.timeToLive = request.timeToLive;
  instance.saveIndex(index);
  return {};
});

export const listSearchIndex = operation(ListSearchIndexRequest, ListSearchIndexResponse, (instance, { tableName }) => {
  const listed = tableName ? instance.search.of(instance.tableToSearch(tableName).name) : [...instance.search.all()];
  return { indices: listed.map(({ definition }) => ({ tableName: definition.tableName, indexName: definition.indexName })) };
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

function find(
  instance: Instance,
  { tableName = '', indexName = '' }: { tableName?: string | undefined; indexName?: string | undefined },
) {
  return instance.search.get(instance.tableToSearch(tableName).name, indexName);
}
