import { describe, expect, it } from 'vitest';
import type { KeyCell, Value } from '../../emulator/values.js';
import {
  BatchGetRowRequest,
  BatchWriteRowRequest,
  GetRangeRequest,
  GetRowRequest,
  ReturnType,
  RowExistence,
  WriteRowRequest,
  WriteRowResponse,
} from '../../emulator/wire/messages-row.js';
import type { WireCell } from '../../emulator/wire/plain-buffer.js';
import { encodeKey, encodeRow } from '../../emulator/wire/plain-buffer-writer.js';
import { encode, type Outgoing, type Schema } from '../../emulator/wire/protobuf.js';
import { call, postError } from './raw-client.js';
import { createTable, errorOf, get, int, put, start } from './sdk.js';

const text = (value: string): Value => ({ type: 'STRING', value });
const integer = (value: bigint): Value => ({ type: 'INTEGER', value });
const KEY: KeyCell[] = [
  { name: 'gid', value: text('a') },
  { name: 'seq', value: integer(1n) },
];

/** Sends PutRow a row that the SDK would not send, and returns the error. */
async function refusal(primaryKey: KeyCell[], cells: WireCell[], mangle = (bytes: Buffer) => bytes): Promise<string> {
  const { client, emulator } = await start();
  await createTable(client, 't');
  const request = {
    tableName: 't',
    row: mangle(encodeRow({ primaryKey, cells })),
    condition: { rowExistence: RowExistence.IGNORE },
  };
  const outcome = await call(emulator, 'PutRow', [WriteRowRequest, WriteRowResponse], request).then(
    () => ({ code: 'OK', message: '' }),
    (error: Error) => JSON.parse(error.message) as { code: string; message: string },
  );
  return `${outcome.code} ${outcome.message}`;
}
const cell = (name: string, value: Value = text('v'), more: Partial<WireCell> = {}): WireCell => ({
  name,
  value,
  ...more,
});
const MEBIBYTE = 1024 * 1024;

describe('PutRow', () => {
  it.each<[string, KeyCell[], WireCell[], string]>([
    ['1024 columns', KEY, Array.from({ length: 1024 }, (_, i) => cell(`c${i}`)), 'OK '],
    [
      '1025 columns',
      KEY,
      Array.from({ length: 1025 }, (_, i) => cell(`c${i}`)),
      'OTSParameterInvalid The number of attribute columns exceeds the limit, limit count: 1024, column count: 1025.',
    ],
    ['a key value of 1024 bytes', [{ name: 'gid', value: text('é'.repeat(512)) }, KEY[1]!], [], 'OK '],
    [
      'a key value of 1025 bytes',
      [{ name: 'gid', value: text('x'.repeat(1025)) }, KEY[1]!],
      [],
      "OTSParameterInvalid The length of primary key column: 'gid' exceeds the MaxLength:1024 with CurrentLength:1025.",
    ],
    ['a value of 2 MiB', KEY, [cell('c', text('x'.repeat(2 * MEBIBYTE)))], 'OK '],
    [
      'a larger value',
      KEY,
      [cell('c', { type: 'BLOB', value: new Uint8Array(2 * MEBIBYTE + 1) })],
      "OTSParameterInvalid The length of attribute column: 'c' exceeds the MaxLength:2097152 " +
        'with CurrentLength:2097153.',
    ],
    [
      'a row above 4 MiB',
      KEY,
      [cell('a', text('x'.repeat(2 * MEBIBYTE))), cell('b', text('x'.repeat(2 * MEBIBYTE)))],
      'OTSParameterInvalid The total data size of the row exceeds the limit, limit size: 4194304, data size: 4194321.',
    ],
    ['a column name of 255 bytes', KEY, [cell('é'.repeat(127))], 'OK '],
    [
      'a longer column name',
      KEY,
      [cell('x'.repeat(256))],
      `OTSParameterInvalid Invalid column name: '${'x'.repeat(256)}'.`,
    ],
    ['an empty column name', KEY, [cell('')], "OTSParameterInvalid Invalid column name: ''."],
    [
      'a column named as a key',
      KEY,
      [cell('gid')],
      "OTSParameterInvalid Duplicated attribute column name with primary key column: 'gid'.",
    ],
    [
      'not a number',
      KEY,
      [cell('d', { type: 'DOUBLE', value: Number.NaN })],
      "OTSParameterInvalid NaN can't be set to double value.",
    ],
    [
      'infinity',
      KEY,
      [cell('d', { type: 'DOUBLE', value: Number.POSITIVE_INFINITY })],
      "OTSParameterInvalid Infinity can't be set to double value.",
    ],
    [
      'a negative version',
      KEY,
      [cell('c', text('v'), { timestamp: -1n })],
      'OTSParameterInvalid Timestamp must be in range [0, INT64_MAX/1000).',
    ],
    [
      'INF_MIN as a key',
      [KEY[0]!, { name: 'seq', value: { type: 'INF_MIN' } }],
      [],
      'OTSParameterInvalid VT_INF_MIN is an invalid type for the primary key.',
    ],
    ['no key', [], [], 'OTSParameterInvalid The number of primary key columns must be in range: [1, 4].'],
    [
      'five key columns',
      Array.from({ length: 5 }, (_, i) => ({ name: `pk${i}`, value: text('a') })),
      [],
      'OTSParameterInvalid The number of primary key columns must be in range: [1, 4].',
    ],
    [
      'an increment in a put',
      KEY,
      [cell('c', integer(1n), { operation: 'INCREMENT' })],
      "OTSParameterInvalid Column 'c' has no place in a PUT of a row.",
    ],
    ['a key column twice', [KEY[0]!, KEY[0]!], [], "OTSParameterInvalid Duplicated primary key name: 'gid'."],
    ['a key column short', [KEY[0]!], [], 'OTSInvalidPK Validate PK size fail. Input: 1, Meta: 2.'],
    [
      'another key name',
      [{ name: 'x', value: text('a') }, KEY[1]!],
      [],
      'OTSInvalidPK Validate PK name fail. Input: x, Meta: gid.',
    ],
    [
      'another key type',
      [KEY[0]!, { name: 'seq', value: { type: 'BLOB', value: new Uint8Array() } }],
      [],
      'OTSInvalidPK Validate PK type fail. Input: VT_BLOB, Meta: VT_INTEGER.',
    ],
  ])('answers to %s', async (_, key, cells, answer) => {
    expect(await refusal(key, cells)).toBe(answer);
  });

  it('refuses broken checksums and headers', async () => {
    const flipped = (index: number) => (bytes: Buffer) => {
      bytes[index]! ^= 1;
      return bytes;
    };
    expect(await refusal(KEY, [], flipped(11))).toMatch(/^OTSParameterInvalid Cell data broken, checksum is mismatch/);
    expect(await refusal(KEY, [], flipped(0))).toMatch(/^OTSParameterInvalid Cell data broken, mismatch header/);
  });

  it('takes the last of two values of one column and version', async () => {
    expect(await refusal(KEY, [cell('c'), cell('c', text('w'))])).toBe('OK ');
  });
});

describe('reads', () => {
  it('name at most 1024 columns and say which versions they want', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1);
    const names = Array.from({ length: 1025 }, (_, i) => `c${i}`);
    expect((await errorOf(get(client, 't', 'a', 1, { columnsToGet: names }))).text).toContain(
      'limit count: 1024, column count: 1025.',
    );
    await get(client, 't', 'a', 1, { columnsToGet: names.slice(1) });
    const batch = { tables: [{ tableName: 't', primaryKey: [[{ gid: 'a' }, { seq: int(1) }]], maxVersions: -1 }] };
    expect((await errorOf(client.batchGetRow(batch))).code).toBe('OTSParameterInvalid');
  });
});

describe('checks come in the order of the service', () => {
  const five = encodeKey(Array.from({ length: 5 }, (_, i) => ({ name: `pk${i}`, value: text('a') })));
  const KEY_COUNT = 'The number of primary key columns must be in range: [1, 4].';
  const noVersions = { tableName: 'missing', columnsToGet: ['#c'] };
  const condition = { rowExistence: RowExistence.IGNORE };
  const request = <S extends Schema>(schema: S, message: Outgoing<S>) => encode(schema, message);

  it.each<[string, string, Buffer, string]>([
    [
      'a column name before the versions',
      'GetRow',
      request(GetRowRequest, { ...noVersions, primaryKey: encodeKey(KEY) }),
      "Invalid column name: '#c'.",
    ],
    [
      'a column name before the versions',
      'BatchGetRow',
      request(BatchGetRowRequest, { tables: [{ ...noVersions, primaryKeys: [encodeKey(KEY)] }] }),
      "Invalid column name: '#c'.",
    ],
    [
      'a column name before the versions',
      'GetRange',
      request(GetRangeRequest, {
        ...noVersions,
        direction: 0,
        inclusiveStart: encodeKey(KEY),
        exclusiveEnd: encodeKey(KEY),
      }),
      "Invalid column name: '#c'.",
    ],
    [
      'the count of the key before the table',
      'GetRow',
      request(GetRowRequest, { tableName: 'missing', maxVersions: 1, primaryKey: five }),
      KEY_COUNT,
    ],
    [
      'the count of the key before the table',
      'BatchGetRow',
      request(BatchGetRowRequest, { tables: [{ tableName: 'missing', maxVersions: 1, primaryKeys: [five] }] }),
      KEY_COUNT,
    ],
    [
      'the count of the key before the table',
      'GetRange',
      request(GetRangeRequest, {
        tableName: 'missing',
        maxVersions: 1,
        direction: 0,
        inclusiveStart: five,
        exclusiveEnd: five,
      }),
      KEY_COUNT,
    ],
    [
      'the count of the key before the table',
      'PutRow',
      request(WriteRowRequest, { tableName: 'missing', row: five, condition }),
      KEY_COUNT,
    ],
    [
      'the count of the key before the table',
      'BatchWriteRow',
      request(BatchWriteRowRequest, {
        tables: [{ tableName: 'missing', rows: [{ type: 1, rowChange: five, condition }] }],
      }),
      KEY_COUNT,
    ],
    [
      'a direction before the table',
      'GetRange',
      request(GetRangeRequest, {
        tableName: 'missing',
        maxVersions: 1,
        direction: 2,
        inclusiveStart: five,
        exclusiveEnd: five,
      }),
      'Invalid direction: 2.',
    ],
    ...([ReturnType.PRIMARY_KEY, ReturnType.NONE] as const).map((returnType): [string, string, Buffer, string] => [
      'columns that are returned only after a change',
      'UpdateRow',
      request(WriteRowRequest, {
        tableName: 'missing',
        row: encodeRow({ primaryKey: KEY, cells: [cell('c')] }),
        condition,
        returnContent: { returnType, returnColumnNames: ['c'] },
      }),
      'Return column names can be set only if the return type is RT_AFTER_MODIFY.',
    ]),
  ])('%s: %s', async (_, operation, body, message) => {
    const { emulator } = await start();
    expect(await postError(emulator, operation, body)).toEqual({ status: 400, code: 'OTSParameterInvalid', message });
  });
});
