import { describe, expect, it } from 'vitest';
import {
  ComputeSplitsRequest,
  ComputeSplitsResponse,
  ParallelScanRequest,
  ParallelScanResponse,
  QueryType,
} from '../../emulator/wire/messages-search.js';
import { decodeRow } from '../../emulator/wire/plain-buffer-reader.js';
import { encode, type Outgoing } from '../../emulator/wire/protobuf.js';
import { until } from '../support/until.js';
import { call, postError } from './raw-client.js';
import { condition, createTable, sdk, start } from './sdk.js';

type ScanQuery = NonNullable<Outgoing<typeof ParallelScanRequest>['scanQuery']>;
const MESSAGES = [ParallelScanRequest, ParallelScanResponse] as const;

async function scanned() {
  const { client, emulator } = await start({ searchLagMs: 0 });
  await createTable(client, 't', { key: { id: 'STRING' } });
  const schema = { fieldSchemas: [{ fieldName: 'id', fieldType: sdk.FieldType.KEYWORD, index: true }] };
  const makeIndex = () => client.createSearchIndex({ tableName: 't', indexName: 'i', schema });
  await makeIndex();
  const put = (id: string) =>
    client.putRow({ tableName: 't', condition: condition(), primaryKey: [{ id }], attributeColumns: [] });
  for (const id of 'abcdefg') await put(id);
  const request = (scanQuery: ScanQuery, more = {}) => ({ tableName: 't', indexName: 'i', scanQuery, ...more });
  const page = async (scanQuery: ScanQuery, more = {}) => {
    const { rows, nextToken } = await call(
      emulator,
      'ParallelScan',
      MESSAGES,
      request({ query: { type: QueryType.MATCH_ALL }, ...scanQuery }, more),
    );
    return { ids: rows.map((row) => decodeRow(row).primaryKey[0]?.value.value).join(''), nextToken };
  };
  const refusal = async (scanQuery: ScanQuery, more = {}) => {
    const { code, message } = await postError(
      emulator,
      'ParallelScan',
      encode(ParallelScanRequest, request(scanQuery, more)),
    );
    return `${code} ${message}`;
  };
  const splits = (options?: Outgoing<typeof ComputeSplitsRequest>['options']) =>
    call(emulator, 'ComputeSplits', [ComputeSplitsRequest, ComputeSplitsResponse], { tableName: 't', options });
  return { client, emulator, put, page, refusal, splits, makeIndex };
}

describe('ParallelScan', () => {
  it('gives every row once, whatever is written and deleted in between, and then no token', async () => {
    const { client, page, put, splits } = await scanned();
    const { sessionId, splitsSize } = await splits({ indexName: 'i' });
    const bounds = { limit: 2, maxParallel: splitsSize, currentParallelId: 0 };
    const first = await page(bounds, { sessionId });
    await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ id: 'a' }] });
    await put('aa');
    const second = await page({ ...bounds, token: first.nextToken }, { sessionId });
    await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ id: 'd' }] });
    const third = await page({ ...bounds, token: second.nextToken }, { sessionId });
    const fourth = await page({ ...bounds, token: third.nextToken }, { sessionId });
    expect([first, second, third, fourth].map(({ ids }) => ids)).toEqual(['ab', 'cd', 'ef', 'g']);
    expect(fourth.nextToken).toBeUndefined();
    expect((await page({ limit: 7 })).nextToken).toBeUndefined();
  });

  it.each<[string, ScanQuery, string]>([
    [
      'a turn beyond the last',
      { currentParallelId: 1, maxParallel: 1 },
      'The current_parallel_id must be in range: [0, 0].',
    ],
    ['a negative turn', { currentParallelId: -1 }, 'The current_parallel_id must be in range: [0, 0].'],
    [
      'more scans than splits',
      { maxParallel: 2 },
      'The max_parallel must be in range: [1, 1], the size of the splits.',
    ],
    ['no scans', { maxParallel: 0 }, 'The max_parallel must be in range: [1, 1], the size of the splits.'],
    ['no rows', { limit: 0 }, 'The limit of parallel scan must be in range: [1, 2000].'],
    ['too many rows', { limit: 2001 }, 'The limit of parallel scan must be in range: [1, 2000].'],
    ['the empty token of the last page', { token: Buffer.alloc(0) }, 'The token is empty: the scan has ended.'],
    [
      'a token of its own making',
      { token: Buffer.from('x') },
      'Failed to parse the request: the message ends in the middle of a field.',
    ],
  ])('refuses %s', async (_, scanQuery, message) => {
    const { refusal } = await scanned();
    expect(await refusal(scanQuery)).toBe(`OTSParameterInvalid ${message}`);
  });

  it('refuses sessions and tokens of an index that was made anew', async () => {
    let now = 1_700_000_000_000;
    const { client, page, refusal, splits, makeIndex } = await scanned();
    const { sessionId } = await splits({ indexName: 'i' });
    const { nextToken } = await page({ limit: 2 });
    await client.deleteSearchIndex({ tableName: 't', indexName: 'i' });
    now = Date.now();
    await until('the clock has moved', () => Date.now() > now);
    await makeIndex();
    expect(await refusal({}, { sessionId })).toBe('OTSSessionExpired session expired');
    expect(await refusal({ token: nextToken })).toBe('OTSParameterInvalid The token is not of this search index.');
  });
});

describe('ComputeSplits', () => {
  it('wants an index', async () => {
    const { emulator, splits } = await scanned();
    const refused = (message: Outgoing<typeof ComputeSplitsRequest>) =>
      postError(emulator, 'ComputeSplits', encode(ComputeSplitsRequest, message));
    expect(await refused({ tableName: 't' })).toMatchObject({
      code: 'OTSParameterInvalid',
      message: 'The options of the splits are missing.',
    });
    expect((await refused({ tableName: 't', options: { indexName: 'j' } })).code).toBe('OTSMetaNotMatch');
    expect((await refused({ tableName: 'u' })).message).toBe('table [u] does not exist');
    expect((await splits({ indexName: 'i' })).splitsSize).toBe(1);
  });
});
