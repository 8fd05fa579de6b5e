/** An instance as journal records, and back. Secondary indexes follow from their tables and are not recorded. */
import { addressOf } from '../values.js';
import { CreateTableRequest } from '../wire/messages-table.js';
import { decodeRow } from '../wire/plain-buffer-reader.js';
import { encodeKey, encodeRow } from '../wire/plain-buffer-writer.js';
import { decode, encode } from '../wire/protobuf.js';
import type { Instance } from './instance.js';
import type { JournalRecord } from './journal.js';
import { addVersion, cellsOf, makeRow, type Row, type Version } from './row.js';
import type { RowChange, Table } from './table.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string) => Buffer.from(text, 'base64');

export function tableRecord(table: Table): JournalRecord {
  return ['table', base64(encode(CreateTableRequest, table.definition)), table.createdAt];
}

export function indexRecord({ request, createdAt }: { readonly request: Uint8Array; readonly createdAt: number }): JournalRecord {
  return ['index', base64(request), createdAt];
}

export function changeRecord(table: Table, { before, after }: RowChange): JournalRecord | undefined {
  if (after) return rowRecord(table, after);
  return before && ['remove', table.name, base64(encodeKey(before.primaryKey))];
}

function rowRecord(table: Table, row: Row): JournalRecord {
  const bytes = encodeRow({ primaryKey: row.primaryKey, cells: cellsOf(row) });
  return ['row', table.name, base64(bytes), String(row.writtenAt)];
}

/** The instance as it stands, without its history. */
export function* snapshot(instance: Instance): Generator<JournalRecord> {
  for (const table of instance.tables.values()) {
    yield tableRecord(table);
    for (const [key, { lastId }] of table.partitions()) if (lastId > 0n) yield ['id', table.name, key, String(lastId)];
    for (const row of table.all()) yield rowRecord(table, row);
  }
  for (const index of instance.search.all()) yield indexRecord(index);
}

export function restore(instance: Instance, record: JournalRecord): void {
  switch (record[0]) {
    case 'table': {
      const definition = decode(CreateTableRequest, bytesOf(record[1]));
      const existing = instance.tables.get(definition.tableMeta.tableName);
      if (existing) instance.redefine(existing, definition);
      else instance.addTable(definition, record[2]);
      break;
    }
    case 'drop':
      instance.removeTable(instance.table(record[1]));
      break;
    case 'row':
      restoreRow(instance.table(record[1]), bytesOf(record[2]), BigInt(record[3]));
      break;
    case 'remove': {
      const table = instance.table(record[1]);
      const row = table.get(addressOf(decodeRow(bytesOf(record[2])).primaryKey));
      if (row) table.delete(row);
      break;
    }
    case 'id':
      instance.table(record[1]).partition(record[2]).lastId = BigInt(record[3]);
      break;
    case 'index':
      instance.search.restore(bytesOf(record[1]), record[2], instance.tables);
      break;
    case 'unindex':
      instance.search.delete(record[1], record[2]);
      break;
  }
}

function restoreRow(table: Table, bytes: Uint8Array, writtenAt: bigint): void {
  const { primaryKey, cells } = decodeRow(bytes);
  const columns = new Map<string, readonly Version[]>();
  for (const { name, value, timestamp } of cells) {
    if (value === undefined || timestamp === undefined) continue;
    columns.set(name, addVersion(columns.get(name) ?? [], { value, timestamp }, cells.length));
  }
  table.set(makeRow(primaryKey, columns, writtenAt));
  table.noteId(primaryKey);
}
