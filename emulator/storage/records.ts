/**
 * Converts an instance to journal records and back. Secondary indexes follow from their tables and are not recorded.
 */
import type { SearchIndexes } from '../search/indexes.js';
import { type Address, addressOf } from '../values.js';
import { CreateTableRequest } from '../wire/messages-table.js';
import { decodeRow, summarizeRow } from '../wire/plain-buffer-reader.js';
import { encodeKey } from '../wire/plain-buffer-writer.js';
import { decode, encode } from '../wire/protobuf.js';
import { type JournalRecord, lineOf } from './journal-format.js';
import { PackedRow } from './packed-row.js';
import type { RowChange, Table, TableDefinition } from './table.js';

/** State of an instance that records describe and restore. */
interface RecordedState {
  readonly tables: ReadonlyMap<string, Table>;
  readonly search: SearchIndexes;
  table(name: string): Table;
  addTable(definition: TableDefinition, createdAt: number): Table;
  redefine(table: Table, definition: TableDefinition): void;
  removeTable(table: Table): void;
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string) => Buffer.from(text, 'base64');

export function tableRecord(table: Table): JournalRecord {
  return ['table', base64(encode(CreateTableRequest, table.definition)), table.createdAt];
}

export function indexRecord({
  request,
  createdAt,
}: {
  readonly request: Uint8Array;
  readonly createdAt: number;
}): JournalRecord {
  return ['index', base64(request), createdAt];
}

export function changeRecord(table: Table, { before, after }: RowChange): JournalRecord | undefined {
  if (after) return rowRecord(table, after);
  return before && ['remove', table.name, base64(encodeKey(before.unpack().primaryKey))];
}

function rowRecord(table: Table, row: PackedRow): JournalRecord {
  return ['row', table.name, row.bytes.toString('base64'), String(row.writtenAt)];
}

/** Returns the bytes of a row's line in the file: brackets, quotes, commas, kind, time, and base64. */
export function rowRecordSize(table: Table, row: PackedRow | undefined): number {
  return row === undefined ? 0 : 34 + table.name.length + 4 * Math.ceil(row.size / 3);
}

const SLICE_RECORDS = 500;
const SLICE_BYTES = 512 * 1024;

/**
 * Yields the current state of the instance in slices. The instance may change between slices if its changes are
 * recorded there: a record holds the whole state of a row, table or index, so a later one replaces it.
 */
export function* snapshot(instance: RecordedState): Generator<JournalRecord[]> {
  yield* snapshotOf(instance, true);
}

/** Returns the bytes of the records of a snapshot other than rows. */
export function otherRecordsSize(instance: RecordedState): number {
  let size = 0;
  for (const records of snapshotOf(instance, false)) for (const record of records) size += lineOf([record]).length;
  return size;
}

function* snapshotOf(instance: RecordedState, withRows: boolean): Generator<JournalRecord[]> {
  const tables = [...instance.tables.values()];
  yield tables.map(tableRecord);
  for (const table of tables) {
    yield* slices(instance, table, (after: string | undefined) => {
      const partitions = table.partitionsAfter(after, SLICE_RECORDS);
      const used = partitions.filter(({ lastId }) => lastId > 0n);
      const records = used.map(({ key, lastId }): JournalRecord => ['id', table.name, key, String(lastId)]);
      return { records, next: partitions.at(-1)?.key };
    });
    if (withRows) yield* slices(instance, table, (after: Address | undefined) => sliceOfRows(table, after));
  }
  yield [...instance.search.all()].map(indexRecord);
}

/** Yields slices until the end, or until the table is dropped. */
function* slices<T>(
  instance: RecordedState,
  table: Table,
  slice: (after: T | undefined) => { readonly records: JournalRecord[]; readonly next: T | undefined },
): Generator<JournalRecord[]> {
  let after: T | undefined;
  do {
    if (instance.tables.get(table.name) !== table) return;
    const { records, next } = slice(after);
    after = next;
    yield records;
  } while (after !== undefined);
}

const FIRST: Address = { partition: '', row: '' };
/** Above every address of `addressOf`. */
const END: Address = { partition: '\x03', row: '' };

function sliceOfRows(table: Table, after: Address | undefined) {
  const records: JournalRecord[] = [];
  let bytes = 0;
  let next: Address | undefined;
  for (const row of table.scan(after ?? FIRST, END, false)) {
    const { address } = row;
    if (address.partition === after?.partition && address.row === after.row) continue;
    records.push(rowRecord(table, row));
    bytes += row.size;
    if (records.length < SLICE_RECORDS && bytes < SLICE_BYTES) continue;
    next = address;
    break;
  }
  return { records, next };
}

/** Applies a record. @throws Error if it does not fit the records before it */
export function restore(instance: RecordedState, record: JournalRecord): void {
  switch (record[0]) {
    case 'row':
      restoreRow(instance.table(record[1]), bytesOf(record[2]), Number(record[3]));
      break;
    case 'remove': {
      const table = instance.table(record[1]);
      const row = table.get(addressOf(decodeRow(bytesOf(record[2])).primaryKey));
      if (row) table.delete(row);
      break;
    }
    case 'id':
      instance.table(record[1]).recordId(record[2], BigInt(record[3]));
      break;
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
    case 'index':
      instance.search.restore(bytesOf(record[1]), record[2], instance.tables);
      break;
    case 'unindex':
      instance.search.delete(record[1], record[2]);
      break;
  }
}

function restoreRow(table: Table, bytes: Buffer, writtenAt: number): void {
  const { primaryKey, newest = writtenAt } = summarizeRow(bytes);
  const { partition, row } = addressOf(primaryKey);
  const { key } = table.partition(partition);
  table.set(new PackedRow({ partition: key, row }, bytes, writtenAt, newest));
  if (table.autoIncrement === undefined) return;
  const id = primaryKey.find(({ name }) => name === table.autoIncrement)?.value;
  if (id?.type === 'INTEGER') table.recordId(key, id.value);
}
