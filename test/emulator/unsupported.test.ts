/** Operations that the emulator knows and has not built: refused by name, and nothing happens. */
import { describe, expect, it } from 'vitest';
import { analyzerOf } from '../../emulator/search/analyzers.js';
import {
  BatchGetRowRequest,
  BatchWriteRowRequest,
  GetRangeRequest,
  GetRowRequest,
} from '../../emulator/wire/messages-row.js';
import {
  CreateSearchIndexRequest,
  FieldSchema,
  FieldType,
  FuzzyParameter,
  IndexSchema,
  NestedQuery,
  QueryType,
  SearchQuery,
  SearchRequest,
  SearchResponse,
  Sort,
  SplitParameter,
  TermQuery,
  UpdateSearchIndexRequest,
} from '../../emulator/wire/messages-search.js';
import { CreateTableRequest, UpdateTableRequest } from '../../emulator/wire/messages-table.js';
import { encodeKey, encodeRow, encodeValue } from '../../emulator/wire/plain-buffer-writer.js';
import { encode, type Outgoing, type Schema } from '../../emulator/wire/protobuf.js';
import { call, post, postError } from './raw-client.js';
import { createTable, sdk, start } from './sdk.js';

const KEY = [
  { name: 'gid', value: { type: 'STRING', value: 'a' } },
  { name: 'seq', value: { type: 'INTEGER', value: 1n } },
] as const;
const bytes = Buffer.from('x');
const table = {
  tableMeta: { tableName: 'new', primaryKey: [{ name: 'gid', type: 2 }] },
  reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
  tableOptions: { timeToLive: -1, maxVersions: 1 },
};
const read = { tableName: 't', maxVersions: 1 };
const bounds = {
  inclusiveStart: encodeKey(KEY),
  exclusiveEnd: encodeKey([KEY[0], { name: 'seq', value: { type: 'INF_MAX' } }]),
};
const row = { type: 1, rowChange: encodeRow({ primaryKey: KEY }), condition: { rowExistence: 0 } };
const schemaOf = (...fields: Outgoing<typeof FieldSchema>[]) => encode(IndexSchema, { fieldSchemas: fields });
const index = { tableName: 't', indexName: 'new' };
const query = (parts: Outgoing<typeof SearchQuery>) => ({
  tableName: 't',
  indexName: 'i',
  searchQuery: encode(SearchQuery, parts),
});
const sorted = (sorter: Parameters<typeof encode<typeof Sort>>[1]) => query({ sort: encode(Sort, sorter) });

const request = <S extends Schema>(operation: string, schema: S, message: Outgoing<S>) =>
  [operation, encode(schema, message)] as const;

async function prepared() {
  const { client, emulator } = await start({ searchLagMs: 0 });
  await createTable(client, 't');
  const schema = { fieldSchemas: [{ fieldName: 'c', fieldType: sdk.FieldType.KEYWORD, index: true }] };
  await client.createSearchIndex({ tableName: 't', indexName: 'i', schema });
  return { client, emulator };
}

describe('a part of a request that has no effect', () => {
  it.each<[string, readonly [string, Buffer]]>([
    ['CreateTable: partitions', request('CreateTable', CreateTableRequest, { ...table, partitions: [bytes] })],
    [
      'CreateTable: sseSpecification',
      request('CreateTable', CreateTableRequest, { ...table, sseSpecification: { enable: true } }),
    ],
    [
      'CreateTable: indexMetas',
      request('CreateTable', CreateTableRequest, {
        ...table,
        tableMeta: { ...table.tableMeta, indexMetas: [{ name: 'i2' }] },
      }),
    ],
    [
      'CreateTable: columnsToGet',
      request('CreateTable', CreateTableRequest, {
        ...table,
        streamSpecification: { enableStream: true, columnsToGet: ['c'] },
      }),
    ],
    [
      'UpdateTable: columnsToGet',
      request('UpdateTable', UpdateTableRequest, {
        tableName: 't',
        streamSpecification: { enableStream: true, columnsToGet: ['c'] },
      }),
    ],
    ['GetRow: token', request('GetRow', GetRowRequest, { ...read, primaryKey: encodeKey(KEY), token: bytes })],
    [
      'BatchGetRow: tokens',
      request('BatchGetRow', BatchGetRowRequest, {
        tables: [{ ...read, primaryKeys: [encodeKey(KEY)], tokens: [bytes] }],
      }),
    ],
    ['GetRange: token', request('GetRange', GetRangeRequest, { ...read, ...bounds, direction: 0, token: bytes })],
    [
      'BatchWriteRow: isAtomic in a transaction',
      request('BatchWriteRow', BatchWriteRowRequest, {
        tables: [{ tableName: 't', rows: [row] }],
        isAtomic: true,
        transactionId: 'x',
      }),
    ],
    [
      'CreateSearchIndex: sourceIndexName',
      request('CreateSearchIndex', CreateSearchIndexRequest, { ...index, sourceIndexName: 'i' }),
    ],
    [
      'search index field [c]: fieldType 11',
      request('CreateSearchIndex', CreateSearchIndexRequest, {
        ...index,
        schema: schemaOf({ fieldName: 'c', fieldType: 11 }),
      }),
    ],
    [
      'search index field [c]: analyzer thai',
      request('CreateSearchIndex', CreateSearchIndexRequest, {
        ...index,
        schema: schemaOf({ fieldName: 'c', fieldType: FieldType.TEXT, analyzer: 'thai' }),
      }),
    ],
    [
      'search index field [v]: isVirtualField',
      request('CreateSearchIndex', CreateSearchIndexRequest, {
        ...index,
        schema: schemaOf({
          fieldName: 'n',
          fieldType: FieldType.NESTED,
          fieldSchemas: [encode(FieldSchema, { fieldName: 'v', fieldType: FieldType.KEYWORD, isVirtualField: true })],
        }),
      }),
    ],
    [
      'UpdateSearchIndex: switchIndexName',
      request('UpdateSearchIndex', UpdateSearchIndexRequest, { ...index, indexName: 'i', switchIndexName: 'j' }),
    ],
    [
      'UpdateSearchIndex: queryFlowWeight',
      request('UpdateSearchIndex', UpdateSearchIndexRequest, { ...index, indexName: 'i', queryFlowWeight: [bytes] }),
    ],
    [
      'UpdateSearchIndex: addedFieldSchemas',
      request('UpdateSearchIndex', UpdateSearchIndexRequest, { ...index, indexName: 'i', addedFieldSchemas: [bytes] }),
    ],
    [
      'search: nestedFilter',
      request('Search', SearchRequest, sorted({ sorters: [{ field: { fieldName: 'c', nestedFilter: bytes } }] })),
    ],
    [
      'search: distanceType 1',
      request(
        'Search',
        SearchRequest,
        sorted({ sorters: [{ geoDistance: { fieldName: 'c', points: ['0,0'], distanceType: 1 } }] }),
      ),
    ],
    [
      'search: innerHits',
      request(
        'Search',
        SearchRequest,
        query({ query: { type: QueryType.NESTED, query: encode(NestedQuery, { path: 'c', innerHits: bytes }) } }),
      ),
    ],
  ])('is refused: %s', async (part, [operation, body]) => {
    const { client, emulator } = await prepared();
    expect(await postError(emulator, operation, body)).toEqual({
      status: 400,
      code: 'OTSParameterInvalid',
      message: `Unsupported part of ${part}.`,
    });
    expect((await client.listTable({})).tableNames).toEqual(['t']);
    expect((await client.listSearchIndex({ tableName: 't' })).indices).toHaveLength(1);
  });

  it('is taken where it asks for nothing', async () => {
    const { emulator } = await prepared();
    for (const [operation, body] of [
      request('CreateTable', CreateTableRequest, { ...table, sseSpecification: { enable: false } }),
      request('GetRow', GetRowRequest, { ...read, primaryKey: encodeKey(KEY), token: Buffer.alloc(0) }),
      request('BatchGetRow', BatchGetRowRequest, {
        tables: [{ ...read, primaryKeys: [encodeKey(KEY)], tokens: [Buffer.alloc(0)] }],
      }),
    ]) {
      expect((await post(emulator, operation, body)).status, operation).toBe(200);
    }
  });

  it('is refused of an index that is asked to expire, though its table allows updates', async () => {
    const { emulator } = await prepared();
    for (const [timeToLive, text] of [
      [86_400, 'must not allow update'],
      [5, 'TimeToLive must be -1 or at least 86400'],
      [undefined, 'No property is specified in UpdateSearchIndex'],
    ] as const) {
      const body = encode(UpdateSearchIndexRequest, { ...index, indexName: 'i', timeToLive });
      expect((await postError(emulator, 'UpdateSearchIndex', body)).message).toContain(text);
    }
  });
});

describe('parts of a search that were ignored', () => {
  it('have their effect: the filter, and the order of the index', async () => {
    const { client, emulator } = await start({ searchLagMs: 0 });
    await createTable(client, 't', { key: { id: 'STRING' } });
    const fields = [{ fieldName: 'id', fieldType: FieldType.KEYWORD }];
    const indexSort = encode(Sort, { sorters: [{ field: { fieldName: 'id', order: 1 } }] });
    const schema = encode(IndexSchema, { fieldSchemas: fields, indexSort });
    expect(
      (
        await post(
          emulator,
          'CreateSearchIndex',
          encode(CreateSearchIndexRequest, { tableName: 't', indexName: 'i', schema }),
        )
      ).status,
    ).toBe(200);
    for (const id of ['a', 'b']) {
      await client.putRow({
        tableName: 't',
        condition: new sdk.Condition(0, null),
        primaryKey: [{ id }],
        attributeColumns: [],
      });
    }
    const keysOf = async (parts: Outgoing<typeof SearchQuery>) => {
      const { rows } = await call(emulator, 'Search', [SearchRequest, SearchResponse], query(parts));
      return rows.map((found) => (Buffer.from(found).includes('id\x05\x06\0\0\0\x03\x01\0\0\0a') ? 'a' : 'b'));
    };
    expect(await keysOf({})).toEqual(['b', 'a']);
    const term = encode(TermQuery, { fieldName: 'id', term: encodeValue({ type: 'STRING', value: 'a' }) });
    expect(await keysOf({ filter: { query: { type: QueryType.TERM, query: term } } })).toEqual(['a']);
  });

  it('have their effect: capitals where an analyzer minds them', () => {
    const split = (caseSensitive: boolean) =>
      analyzerOf('split', encode(SplitParameter, { delimiter: ',', caseSensitive }));
    expect([split(true).tokens('A,b'), split(false).tokens('A,b')]).toEqual([
      ['A', 'b'],
      ['a', 'b'],
    ]);
    const fuzzy = (caseSensitive: boolean) =>
      analyzerOf('fuzzy', encode(FuzzyParameter, { maxChars: 1, caseSensitive }));
    expect([fuzzy(true).tokens('Ab'), fuzzy(false).tokens('Ab')]).toEqual([
      ['A', 'b'],
      ['a', 'b'],
    ]);
    expect([fuzzy(true).holdsPhrase('Ab', 'ab'), fuzzy(false).holdsPhrase('Ab', 'aB')]).toEqual([false, true]);
  });
});
