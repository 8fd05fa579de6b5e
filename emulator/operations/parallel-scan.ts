import { ServiceError } from '../errors.js';
import { parseQuery } from '../search/query.js';
import {
  ComputeSplitsRequest,
  ComputeSplitsResponse,
  ParallelScanRequest,
  ParallelScanResponse,
} from '../wire/messages-search.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import { decode, encode, optional } from '../wire/protobuf.js';
import { operation } from './operation.js';
import { columnsOf } from './search.js';

const DEFAULT_LIMIT = 2000;
/** Where a scan goes on. */
const Token = { offset: optional(1, 'int32') };

/** One split per index: a session is nothing but the index's name. */
export const computeSplits = operation(ComputeSplitsRequest, ComputeSplitsResponse, (instance, { tableName = '', options }) => {
  const index = instance.search.get(instance.tableToSearch(tableName).name, options?.indexName ?? '');
  return { sessionId: Buffer.from(`${index.table.name}/${index.definition.indexName}`), splitsSize: 1 };
});

/** Every match in the order of primary keys; scans in parallel share them out by their turn. */
export const parallelScan = operation(ParallelScanRequest, ParallelScanResponse, (instance, request) => {
  const { tableName = '', indexName = '', scanQuery, sessionId, columnsToGet } = request;
  const index = instance.search.get(instance.tableToSearch(tableName).name, indexName);
  if (sessionId !== undefined && Buffer.from(sessionId).toString() !== `${tableName}/${indexName}`) {
    throw new ServiceError(400, 'OTSSessionExpired', 'session expired');
  }
  const { query, limit = DEFAULT_LIMIT, token = new Uint8Array(), currentParallelId = 0, maxParallel = 1 } = scanQuery ?? {};
  const matches = query ? parseQuery(query, index.fields) : () => true;
  const { offset = 0 } = decode(Token, token);
  const share = index.hits().filter((_, position) => position % maxParallel === currentParallelId);
  const hits = share.filter(({ document }) => matches(document));
  const page = hits.slice(offset, offset + limit);
  return {
    rows: page.map((hit) => encodeRow({ primaryKey: hit.row.primaryKey, cells: columnsOf(hit, columnsToGet, index.fields) })),
    nextToken: offset + limit < hits.length ? encode(Token, { offset: offset + limit }) : undefined,
  };
});
