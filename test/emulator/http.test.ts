import { describe, expect, it } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { seededRandom } from '../../emulator/options.js';
import {
  BatchWriteRowRequest,
  CompositeFilter,
  Filter,
  GetRangeRequest,
  SingleColumnFilter,
  WriteRowRequest,
} from '../../emulator/wire/messages-row.js';
import {
  BoolQuery,
  QueryType,
  SearchQuery,
  SearchRequest,
  Sort,
  TermQuery,
} from '../../emulator/wire/messages-search.js';
import { ListTableResponse } from '../../emulator/wire/messages-table.js';
import { encodeKey, encodeRow, encodeValue } from '../../emulator/wire/plain-buffer-writer.js';
import { decode, encode } from '../../emulator/wire/protobuf.js';
import { post, postError, signedHeaders } from './raw-client.js';
import { clientOf, createTable, errorOf, put, start } from './sdk.js';

const NOTHING = new Uint8Array();

/** One good request of each kind that carries much. */
function requests(): [operation: string, body: Buffer][] {
  const bound = (type: 'INF_MIN' | 'INF_MAX') => encodeKey(['gid', 'seq'].map((name) => ({ name, value: { type } })));
  const value = encodeValue({ type: 'STRING', value: 'v' });
  const single = encode(SingleColumnFilter, {
    comparator: 1,
    columnName: 'c',
    columnValue: value,
    filterIfMissing: false,
    latestVersionOnly: true,
  });
  const filter = encode(Filter, {
    type: 2,
    filter: encode(CompositeFilter, { combinator: 2, subFilters: [{ type: 1, filter: single }] }),
  });
  const row = encodeRow({
    primaryKey: [
      { name: 'gid', value: { type: 'STRING', value: 'a' } },
      { name: 'seq', value: { type: 'INTEGER', value: 1n } },
    ],
    cells: [{ name: 'c', value: { type: 'STRING', value: 'v' } }],
  });
  const condition = { rowExistence: 0, columnCondition: filter };
  const term = { type: QueryType.TERM, query: encode(TermQuery, { fieldName: 'c', term: value }) };
  const query = { type: QueryType.BOOL, query: encode(BoolQuery, { should: [term], minimumShouldMatch: 1 }) };
  const sort = encode(Sort, { sorters: [{ field: { fieldName: 'c', order: 1, missingValue: value } }] });
  return [
    ['PutRow', encode(WriteRowRequest, { tableName: 't', row, condition })],
    [
      'BatchWriteRow',
      encode(BatchWriteRowRequest, { tables: [{ tableName: 't', rows: [{ type: 1, rowChange: row, condition }] }] }),
    ],
    [
      'GetRange',
      encode(GetRangeRequest, {
        tableName: 't',
        direction: 0,
        maxVersions: 1,
        limit: 5,
        inclusiveStart: bound('INF_MIN'),
        exclusiveEnd: bound('INF_MAX'),
        filter,
      }),
    ],
    [
      'Search',
      encode(SearchRequest, {
        tableName: 't',
        indexName: 'i',
        searchQuery: encode(SearchQuery, { query, sort, limit: 5 }),
      }),
    ],
  ];
}

describe('requests', () => {
  it('answers a signed request, and signs its answer', async () => {
    const { emulator } = await start();
    const { status, bytes, headers } = await post(emulator, 'ListTable', NOTHING);
    expect([status, decode(ListTableResponse, bytes)]).toEqual([200, { tableNames: [] }]);
    expect(headers['x-ots-requestid']).toMatch(/./);
    expect(headers['x-ots-date']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(headers['x-ots-contenttype']).toBe('protocol buffer');
  });

  it('covers every x-ots header with the signature, also those it does not know', async () => {
    const { emulator } = await start();
    const headers = signedHeaders(emulator, '/ListTable', NOTHING, { 'x-ots-sdk-traceid': 't' });
    expect((await post(emulator, 'ListTable', NOTHING, headers)).status).toBe(200);
    const changed = { ...headers, 'x-ots-sdk-traceid': 'u' };
    expect(await postError(emulator, 'ListTable', NOTHING, changed)).toMatchObject({
      status: 403,
      code: 'OTSAuthFailed',
      message: 'Signature mismatch.',
    });
  });

  it.each([
    ['the wrong key id', { 'x-ots-accesskeyid': 'x' }, 'The AccessKeyID does not exist.'],
    ['the wrong instance', { 'x-ots-instancename': 'x' }, 'The instance is not found.'],
    [
      'a date 16 minutes off',
      { 'x-ots-date': new Date(Date.now() - 16 * 60_000).toISOString() },
      /^Mismatch between system time and x-ots-date: /,
    ],
    [
      'another digest',
      { 'x-ots-contentmd5': 'AAAA' },
      'Mismatch between MD5 value of request body and x-ots-contentmd5 in header.',
    ],
  ])('refuses %s', async (_, changed, message) => {
    const { emulator } = await start();
    const headers = signedHeaders(emulator, '/ListTable', NOTHING, changed as Record<string, string>);
    const answer = await postError(emulator, 'ListTable', NOTHING, headers);
    expect(answer).toMatchObject({ status: 403, code: 'OTSAuthFailed' });
    expect(answer.message).toMatch(message);
  });

  it('names a missing header and an unreadable date', async () => {
    const { emulator } = await start();
    const { 'x-ots-date': _, ...headers } = signedHeaders(emulator, '/ListTable', NOTHING);
    expect(await postError(emulator, 'ListTable', NOTHING, headers)).toMatchObject({
      status: 400,
      code: 'OTSParameterInvalid',
      message: 'Missing header: x-ots-date.',
    });
    const undated = signedHeaders(emulator, '/ListTable', NOTHING, { 'x-ots-date': 'today' });
    expect((await postError(emulator, 'ListTable', NOTHING, undated)).message).toBe('Invalid date format: today.');
  });

  it('takes POST only', async () => {
    const { emulator } = await start();
    expect((await fetch(`${emulator.endpoint}/ListTable`)).status).toBe(405);
  });

  it('refuses operations it does not have with the error of the service', async () => {
    const { emulator } = await start();
    const answer = await postError(emulator, 'SQLQuery', NOTHING);
    expect(answer).toEqual({ status: 400, code: 'OTSParameterInvalid', message: 'Unsupported operation: SQLQuery.' });
    expect((await postError(emulator, 'constructor', NOTHING)).message).toBe('Unsupported operation: constructor.');
  });

  it('refuses a body above the limit, and one that is no message', async () => {
    const { emulator } = await start();
    expect(await postError(emulator, 'PutRow', Buffer.alloc(5 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      code: 'OTSRequestBodyTooLarge',
    });
    expect(await postError(emulator, 'PutRow', Buffer.from('zz'))).toMatchObject({
      status: 400,
      code: 'OTSParameterInvalid',
    });
  });

  it('answers mutilated requests with an error of the client, never with a failure of its own', async () => {
    const { client, emulator } = await start();
    await createTable(client, 't');
    await client.createSearchIndex({
      tableName: 't',
      indexName: 'i',
      schema: { fieldSchemas: [{ fieldName: 'c', fieldType: 4 }] },
    });
    await put(client, 't', 'a', 1);
    const random = seededRandom(42);
    const below = (limit: number) => Math.floor(random() * limit);
    const statuses = new Set<number>();
    for (const [operation, body] of requests()) {
      expect((await post(emulator, operation, body)).status, operation).toBe(200);
      for (let round = 0; round < 60; round++) {
        const broken = Buffer.from(body.subarray(0, round % 3 === 0 ? below(body.length) : body.length));
        for (let change = 0; change < 1 + below(3) && broken.length > 0; change++)
          broken[below(broken.length)] = below(256);
        statuses.add((await post(emulator, operation, broken)).status);
      }
    }
    expect(statuses).toContain(400);
    expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  });

  it('refuses the SDK with a wrong secret', async () => {
    const { emulator } = await start();
    const client = clientOf(emulator, { secretAccessKey: 'wrong' });
    expect(await errorOf(client.listTable({}))).toMatchObject({ code: 'OTSAuthFailed', status: 403 });
  });
});

describe('starting and closing', () => {
  it('takes the port, the names and the secret it is told', async () => {
    const first = await startTablestoreEmulator({ instanceName: 'i', accessKeyId: 'k', accessKeySecret: 's' });
    const { port } = new URL(first.endpoint);
    await createTable(clientOf(first), 't');
    await first.close();
    const second = await startTablestoreEmulator({ port: Number(port) });
    expect(second.endpoint).toBe(first.endpoint);
    expect((await clientOf(second).listTable({})).tableNames).toEqual([]);
    await second.close();
  });

  it('rejects when the port is taken', async () => {
    const { emulator } = await start();
    const { port } = new URL(emulator.endpoint);
    await expect(startTablestoreEmulator({ port: Number(port) })).rejects.toThrow('EADDRINUSE');
  });
});
