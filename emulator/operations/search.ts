import { parameterInvalid } from '../errors.js';
import type { FieldMap } from '../search/document.js';
import { parseQuery } from '../search/query.js';
import { type Hit, parseSort } from '../search/sort.js';
import { cellsOf } from '../storage/row.js';
import { ReturnColumns, SearchQuery, SearchRequest, SearchResponse } from '../wire/messages-search.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import { decode, encode, type Message, optional } from '../wire/protobuf.js';
import { operation } from './operation.js';
import { consumed } from './read-row.js';
import { refuseUnsupported } from './unsupported.js';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
const MAX_LIMIT_OF_INDEX_FIELDS = 1000;
const DEEPEST = 10_000;

/** End of a page, and the sort order of the search. */
const Token = { offset: optional(1, 'int32'), sort: optional(2, 'bytes') };

type Query = Message<typeof SearchQuery>;
export type Columns = Message<typeof SearchRequest>['columnsToGet'];

export const search = operation(SearchRequest, SearchResponse, (instance, request) => {
  const table = instance.tableToSearch(request.tableName ?? '');
  const index = instance.search.get(table.name, request.indexName ?? '');
  const query = decode(SearchQuery, request.searchQuery ?? new Uint8Array());
  // An empty message means that no sort is given.
  refuseUnsupported('search', query, ['aggregations', 'groupBys', 'highlight']);
  const limit = checkedLimit(query, request.columnsToGet);
  const { offset, sort } = startOf(query, limit);

  const tests = [query.query, query.filter?.query].flatMap((part) => (part ? parseQuery(part, index.fields) : []));
  const order = parseSort(sort ?? index.fields.order, index.fields);
  const hits = index.hits().filter(({ document }) => tests.every((matches) => matches(document)));
  const listed = collapsed(hits.sort(order), query, index.fields);
  const page = listed.slice(offset, offset + limit);
  const asksTotal = query.getTotalCount === true || (query.trackTotalCount ?? 0) > 0;
  const hasOrder = sort !== undefined || !index.fields.hasNested;
  const isFull = limit > 0 && page.length === limit;
  return {
    totalHits: asksTotal ? BigInt(hits.length) : -1n,
    rows: page.map((hit) =>
      encodeRow({ primaryKey: hit.row.primaryKey, cells: columnsOf(hit, request.columnsToGet, index.fields) }),
    ),
    isAllSucceeded: true,
    nextToken: isFull && hasOrder ? encode(Token, { offset: offset + limit, sort }) : undefined,
    consumed: consumed(0, undefined),
  };
});

function checkedLimit({ limit = DEFAULT_LIMIT }: Query, columns: Columns): number {
  const { returnType } = columns ?? {};
  const isFromIndex = returnType === ReturnColumns.ALL_FROM_INDEX || returnType === ReturnColumns.NONE;
  const largest = isFromIndex ? MAX_LIMIT_OF_INDEX_FIELDS : MAX_LIMIT;
  if (limit < 0 || limit > largest) throw parameterInvalid(`The limit of search must be in range: [0, ${largest}].`);
  return limit;
}

function startOf({ offset = 0, sort, token }: Query, limit: number): { offset: number; sort: Uint8Array | undefined } {
  if (token === undefined || token.length === 0) {
    if (offset < 0 || offset + limit > DEEPEST)
      throw parameterInvalid(`The sum of offset and limit must be in range: [0, ${DEEPEST}].`);
    return { offset, sort };
  }
  if (offset > 0 || sort !== undefined) throw parameterInvalid('Offset and sort must not be set together with token.');
  const start = decode(Token, token);
  return { offset: start.offset ?? 0, sort: start.sort };
}

/** Keeps the first hit of each value of the collapse field, and the first without a value. */
function collapsed(hits: readonly Hit[], { collapse }: Query, fields: FieldMap): readonly Hit[] {
  if (collapse === undefined) return hits;
  const { fieldName = '' } = collapse;
  fields.get(fieldName);
  const seen = new Set<string>();
  return hits.filter(({ document }) => {
    const [value] = document.values(fieldName);
    const key = value ? `${value.type} ${value.value}` : '';
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst;
  });
}

export function columnsOf({ row }: Hit, columns: Columns, fields: FieldMap) {
  const cells = cellsOf(row);
  switch (columns?.returnType) {
    case ReturnColumns.ALL:
      return cells;
    case ReturnColumns.SPECIFIED:
      return cells.filter(({ name }) => columns.columnNames.includes(name));
    case ReturnColumns.ALL_FROM_INDEX:
      return cells.filter(({ name }) => fields.names.includes(name));
    default:
      return [];
  }
}
