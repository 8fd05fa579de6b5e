/**
 * SimpleRowMatrix, the alternative row format of GetRange: column names once, then only values. Holds the newest
 * version of each column without timestamps, and is sent only to clients that ask for it.
 */
import { crc8, type WireRow } from './plain-buffer.js';
import { encodeValue } from './plain-buffer-writer.js';

const API_VERSION = 0x304d5253;
const NO_VALUE = 0x06;
const Tag = { checksum: 1, row: 2, rowCount: 3, entirePrimaryKeys: 10 } as const;

export function encodeRowMatrix(rows: readonly WireRow[]): Buffer {
  const [first] = rows;
  if (first === undefined) return Buffer.alloc(0);
  const keys = first.primaryKey.map(({ name }) => name);
  const columns = [...new Set(rows.flatMap(({ cells }) => cells.map(({ name }) => name)))];
  const names = Buffer.concat([...keys, ...columns].map(encodeName));
  const options = Buffer.concat([Buffer.from([Tag.entirePrimaryKeys, 1, Tag.rowCount]), int32(rows.length)]);
  const headerSize = 5 * 4;
  const optionOffset = headerSize + names.length;
  const header = [API_VERSION, optionOffset + options.length, optionOffset, keys.length, columns.length].map(int32);
  const bytes = Buffer.concat([...header, names, options, ...rows.map((row) => encodeMatrixRow(row, columns))]);
  return Buffer.concat([bytes, Buffer.from([Tag.checksum, crc8(0, bytes)])]);
}

function encodeMatrixRow({ primaryKey, cells }: WireRow, columns: readonly string[]): Buffer {
  const values = columns.map((column) => cells.find(({ name }) => name === column)?.value);
  return Buffer.concat([
    Buffer.from([Tag.row]),
    ...primaryKey.map(({ value }) => encodeValue(value)),
    ...values.map((value) => (value ? encodeValue(value) : Buffer.from([NO_VALUE]))),
  ]);
}

function encodeName(name: string): Buffer {
  const text = Buffer.from(name);
  const length = Buffer.alloc(2);
  length.writeInt16LE(text.length);
  return Buffer.concat([length, text]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
