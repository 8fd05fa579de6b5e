import { parameterInvalid, ServiceError } from '../errors.js';
import type { SearchIndex } from '../search/indexes.js';
import { parseQuery } from '../search/query.js';
import {
  ComputeSplitsRequest,
  ComputeSplitsResponse,
  ParallelScanRequest,
  ParallelScanResponse,
} from '../wire/messages-search.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import { decode, encode, type Message, required } from '../wire/protobuf.js';
import { operation } from './operation.js';
import { columnsOf } from './search.js';

const SPLITS = 1;
const DEFAULT_LIMIT = 2000;
const MAX_LIMIT = 2000;
/** Index of a scan, and the key of the last row returned. */
const Token = { session: required(1, 'string'), after: required(2, 'bytes') };

type ScanQuery = NonNullable<Message<typeof ParallelScanRequest>['scanQuery']>;

/** One split per index, so a session only identifies its index. */
export const computeSplits = operation(
  ComputeSplitsRequest,
  ComputeSplitsResponse,
  (instance, { tableName = '', options }) => {
    const table = instance.tableToSearch(tableName);
    if (options === undefined) throw parameterInvalid('The options of the splits are missing.');
    const index = instance.search.get(table.name, options.indexName ?? '');
    return { sessionId: Buffer.from(sessionOf(index)), splitsSize: SPLITS };
  },
);

/** Yields every match in the order of primary keys. */
export const parallelScan = operation(ParallelScanRequest, ParallelScanResponse, (instance, request) => {
  const { tableName = '', indexName = '', scanQuery, sessionId, columnsToGet } = request;
  const index = instance.search.get(instance.tableToSearch(tableName).name, indexName);
  if (sessionId !== undefined && Buffer.from(sessionId).toString() !== sessionOf(index)) {
    throw new ServiceError(400, 'OTSSessionExpired', 'session expired');
  }
  const { query, limit = DEFAULT_LIMIT, token } = checkedBounds(scanQuery ?? {});
  const matches = query ? parseQuery(query, index.fields) : () => true;
  const after = token && startOf(token, index);
  const hits = index.hits().filter((hit) => (after === undefined || keyOf(hit) > after) && matches(hit.document));
  const page = hits.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page.map((hit) =>
      encodeRow({ primaryKey: hit.row.primaryKey, cells: columnsOf(hit, columnsToGet, index.fields) }),
    ),
    nextToken:
      last && page.length < hits.length
        ? encode(Token, { session: sessionOf(index), after: Buffer.from(keyOf(last), 'utf16le') })
        : undefined,
  };
});

const sessionOf = ({ table, definition, createdAt }: SearchIndex) =>
  `${table.name}/${definition.indexName}/${createdAt}`;
const keyOf = ({ row: { address } }: ReturnType<SearchIndex['hits']>[number]) => address.partition + address.row;

function checkedBounds(query: Partial<ScanQuery>): Partial<ScanQuery> {
  const { limit = DEFAULT_LIMIT, currentParallelId = 0, maxParallel = SPLITS } = query;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw parameterInvalid(`The limit of parallel scan must be in range: [1, ${MAX_LIMIT}].`);
  }
  if (maxParallel < 1 || maxParallel > SPLITS) {
    throw parameterInvalid(`The max_parallel must be in range: [1, ${SPLITS}], the size of the splits.`);
  }
  if (currentParallelId < 0 || currentParallelId >= maxParallel) {
    throw parameterInvalid(`The current_parallel_id must be in range: [0, ${maxParallel - 1}].`);
  }
  return query;
}

/**
 * Refuses an empty token, which some clients send after the last page: treated as absent, it would restart the scan.
 */
function startOf(token: Uint8Array, index: SearchIndex): string {
  if (token.length === 0) throw parameterInvalid('The token is empty: the scan has ended.');
  const { session, after } = decode(Token, token);
  if (session !== sessionOf(index)) throw parameterInvalid('The token is not of this search index.');
  return Buffer.from(after).toString('utf16le');
}
