/** Checks names, keys and cells before the table is looked up, and keys against their table. */
import { invalidKey, parameterInvalid } from '../errors.js';
import type { Table } from '../storage/table.js';
import { type KeyCell, sizeOf, type Value } from '../values.js';
import { PrimaryKeyType } from '../wire/messages-table.js';
import { PlainBufferError, type WireCell, type WireRow } from '../wire/plain-buffer.js';
import { decodeRow } from '../wire/plain-buffer-reader.js';

const MAX_NAME_LENGTH = 255;
const MAX_KEY_COLUMNS = 4;
const MAX_KEY_VALUE_LENGTH = 1024;
const MAX_VALUE_LENGTH = 2 * 1024 * 1024;
export const MAX_COLUMNS = 1024;
const TIMESTAMP_END = 2n ** 63n / 1000n;

/** @throws ServiceError if the bytes are not a row or a checksum is wrong */
export function parseRow(bytes: Uint8Array): WireRow {
  try {
    return decodeRow(bytes);
  } catch (error) {
    if (error instanceof PlainBufferError) throw parameterInvalid(`Cell data broken, ${error.message}.`);
    throw error;
  }
}

/** Checks the name of a table or index. */
export function checkTableName(name: string, kind: 'table' | 'index' = 'table'): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) throw parameterInvalid(`Invalid ${kind} name: '${name}'.`);
}

export function checkColumnName(name: string): void {
  const length = Buffer.byteLength(name);
  if (length === 0 || length > MAX_NAME_LENGTH || name.startsWith('#'))
    throw parameterInvalid(`Invalid column name: '${name}'.`);
}

export function checkColumnCount(count: number): void {
  if (count > MAX_COLUMNS) {
    throw parameterInvalid(
      `The number of columns from the request exceeds the limit, limit count: ${MAX_COLUMNS}, column count: ${count}.`,
    );
  }
}

export function checkKeyCount(count: number): void {
  if (count < 1 || count > MAX_KEY_COLUMNS) {
    throw parameterInvalid(`The number of primary key columns must be in range: [1, ${MAX_KEY_COLUMNS}].`);
  }
}

/** Checks count, names, lengths and types of a key; `bounds` allows INF_MIN and INF_MAX. */
export function checkKey(primaryKey: readonly KeyCell[], purpose: 'write' | 'read' | 'bounds'): void {
  checkKeyCount(primaryKey.length);
  const names = new Set<string>();
  for (const { name, value } of primaryKey) {
    checkColumnName(name);
    if (names.has(name)) throw parameterInvalid(`Duplicated primary key name: '${name}'.`);
    names.add(name);
    const { type } = value;
    if (type === 'AUTO_INCREMENT') {
      if (purpose !== 'write') throw parameterInvalid("PKAutoIncr can't be used for read operations.");
    } else if (type === 'STRING' || type === 'BLOB') {
      const length = sizeOf(value);
      if (length > MAX_KEY_VALUE_LENGTH) {
        throw tooLong('primary key', name, MAX_KEY_VALUE_LENGTH, length);
      }
    } else if (type !== 'INTEGER' && !(purpose === 'bounds' && (type === 'INF_MIN' || type === 'INF_MAX'))) {
      throw parameterInvalid(`VT_${type} is an invalid type for the primary key.`);
    }
  }
}

/** Checks names, lengths, values and versions of the attribute cells of a write. */
export function checkCells(cells: readonly WireCell[], primaryKey: readonly KeyCell[]): void {
  const columns = new Set(cells.map(({ name }) => name)).size;
  if (columns > MAX_COLUMNS) {
    throw parameterInvalid(
      `The number of attribute columns exceeds the limit, limit count: ${MAX_COLUMNS}, column count: ${columns}.`,
    );
  }
  for (const { name, value, timestamp } of cells) {
    checkColumnName(name);
    if (primaryKey.some((cell) => cell.name === name)) {
      throw parameterInvalid(`Duplicated attribute column name with primary key column: '${name}'.`);
    }
    if (value) checkValue(name, value);
    if (timestamp !== undefined && (timestamp < 0n || timestamp >= TIMESTAMP_END)) {
      throw parameterInvalid('Timestamp must be in range [0, INT64_MAX/1000).');
    }
  }
}

function checkValue(name: string, value: Value): void {
  if (value.type === 'DOUBLE') {
    if (Number.isNaN(value.value)) throw parameterInvalid("NaN can't be set to double value.");
    if (!Number.isFinite(value.value)) throw parameterInvalid("Infinity can't be set to double value.");
  } else if (value.type === 'STRING' || value.type === 'BLOB') {
    const length = sizeOf(value);
    if (length > MAX_VALUE_LENGTH) {
      throw tooLong('attribute', name, MAX_VALUE_LENGTH, length);
    }
  } else if (value.type !== 'INTEGER' && value.type !== 'BOOLEAN') {
    throw parameterInvalid(`VT_${value.type} is an invalid type for the attribute column.`);
  }
}

function tooLong(kind: string, name: string, max: number, length: number) {
  return parameterInvalid(
    `The length of ${kind} column: '${name}' exceeds the MaxLength:${max} with CurrentLength:${length}.`,
  );
}

const KEY_TYPES = {
  [PrimaryKeyType.INTEGER]: 'INTEGER',
  [PrimaryKeyType.STRING]: 'STRING',
  [PrimaryKeyType.BINARY]: 'BLOB',
};

/** @throws ServiceError unless the key has the table's columns, or the first `count`, in order and with their types */
export function checkSchema(table: Table, primaryKey: readonly KeyCell[], count?: number): void {
  const columns = table.definition.tableMeta.primaryKey.slice(0, count);
  if (primaryKey.length !== columns.length) {
    throw invalidKey(`Validate PK size fail. Input: ${primaryKey.length}, Meta: ${columns.length}.`);
  }
  for (const [index, { name, type }] of columns.entries()) {
    const cell = primaryKey[index]!;
    const expected = KEY_TYPES[type as keyof typeof KEY_TYPES];
    const given = cell.value.type;
    if (cell.name !== name) throw invalidKey(`Validate PK name fail. Input: ${cell.name}, Meta: ${name}.`);
    const fits = given === expected || given === 'INF_MIN' || given === 'INF_MAX';
    if (!fits && !(given === 'AUTO_INCREMENT' && name === table.autoIncrement)) {
      throw invalidKey(`Validate PK type fail. Input: VT_${given}, Meta: VT_${expected}.`);
    }
  }
}
