import { parameterInvalid, ServiceError } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { Overlay } from '../storage/overlay.js';
import type { Table } from '../storage/table.js';
import { addressOf } from '../values.js';
import { BatchResponse, BatchWriteRowRequest } from '../wire/messages-row.js';
import type { Message } from '../wire/protobuf.js';
import { rowResult } from './batch-get-row.js';
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';
import { unsupported } from './unsupported.js';
import { applyWrite, hasPlaceholder, parseWrite, prepareWrite, type RowWrite, type WriteKind } from './write-row.js';

const KINDS: Readonly<Record<number, WriteKind>> = { 1: 'PUT', 2: 'UPDATE', 3: 'DELETE' };

interface TableWrites {
  readonly tableName: string;
  readonly writes: readonly RowWrite[];
}

export const batchWriteRow = operation(BatchWriteRowRequest, BatchResponse, async (instance, request) => {
  const parsed = parseBatch(instance, request);
  if (request.isAtomic && request.transactionId !== undefined)
    throw unsupported('BatchWriteRow', 'isAtomic in a transaction');
  const tables = [];
  for (const { tableName, writes } of parsed) {
    const rows = request.isAtomic
      ? await writeAtomically(instance, tableName, writes)
      : await Promise.all(writes.map((write) => writeOne(instance, tableName, write, request.transactionId)));
    tables.push({ tableName, rows });
  }
  return { tables };
});

/** @throws ServiceError if the whole request is invalid */
function parseBatch(instance: Instance, request: Message<typeof BatchWriteRowRequest>): TableWrites[] {
  const { batchWriteRows, writeBytes } = instance.limits;
  if (request.tables.length === 0) throw parameterInvalid('No row is specified in BatchWriteRow.');
  const count = request.tables.reduce((sum, { rows }) => sum + rows.length, 0);
  if (count > batchWriteRows) throw parameterInvalid(`Rows count exceeds the upper limit: ${batchWriteRows}.`);
  const parsed = request.tables.map(({ tableName, rows }) => {
    checkTableName(tableName);
    if (rows.length === 0) throw parameterInvalid(`No operation is specified for table: '${tableName}'.`);
    const writes = rows.map(({ type, rowChange, condition, returnContent }) => {
      const kind = KINDS[type];
      if (kind === undefined) throw parameterInvalid(`Invalid operation type: ${type}.`);
      return parseWrite(kind, { row: rowChange, condition, returnContent });
    });
    return { tableName, writes };
  });
  const size = parsed.reduce((sum, { writes }) => writes.reduce((inner, write) => inner + write.size, sum), 0);
  if (size > writeBytes) {
    throw parameterInvalid(
      `The total data size of BatchWriteRow request exceeds the limit, limit size: ${writeBytes}, data size: ${size}.`,
    );
  }
  checkRepeatedRows(parsed);
  return parsed;
}

/** A row may occur twice only without conditions. */
function checkRepeatedRows(parsed: readonly TableWrites[]): void {
  const seen = new Map<string, RowWrite[]>();
  for (const { tableName, writes } of parsed) {
    for (const write of writes) {
      if (hasPlaceholder(write.primaryKey)) continue;
      const { partition, row } = addressOf(write.primaryKey);
      const key = JSON.stringify([tableName, partition, row]);
      const same = [...(seen.get(key) ?? []), write];
      seen.set(key, same);
      if (same.length === 1) continue;
      if (same.some(({ existence }) => existence !== 'IGNORE')) {
        throw parameterInvalid('Repeated rows do not support row exist expectation check in BatchModify.');
      }
      if (same.some(({ columnCondition }) => columnCondition)) {
        throw parameterInvalid('Repeated rows do not support row condition check in BatchModify.');
      }
    }
  }
}

/** Assigns the id before the first await, so that ids increase in the order of the request. */
async function writeOne(instance: Instance, tableName: string, write: RowWrite, transactionId: string | undefined) {
  const fault = instance.faults.rowErrorFor('BatchWriteRow', 'before');
  const begun = rowResult(() => {
    if (fault) throw fault;
    const table = instance.tableToWrite(tableName);
    const transaction = transactionId === undefined ? undefined : instance.transactions.get(transactionId);
    const prepared = prepareWrite(instance, table, write, transaction);
    return { apply: () => applyWrite(instance, table, prepared, transaction?.view ?? table) };
  });
  if (!('apply' in begun)) return begun;
  const delay = hasPlaceholder(write.primaryKey) ? instance.delayCommit() : undefined;
  if (delay) await delay;
  return rowResult(() => {
    const result = begun.apply();
    const late = instance.faults.rowErrorFor('BatchWriteRow', 'after');
    if (late) throw late;
    return result;
  });
}

/** Writes all rows of one partition key, or none: then every row carries the error of the first failure. */
async function writeAtomically(instance: Instance, tableName: string, writes: readonly RowWrite[]) {
  try {
    const table = instance.tableToWrite(tableName);
    assertOnePartition(writes);
    const prepared = writes.map((write) => prepareWrite(instance, table, write));
    const delay = writes.some(({ primaryKey }) => hasPlaceholder(primaryKey)) ? instance.delayCommit() : undefined;
    if (delay) await delay;
    const results = applyAll(instance, table, prepared);
    return results.map((result) => ({ isOk: true, ...result }));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return writes.map(() => ({ isOk: false, error: { code: error.code, message: error.message } }));
  }
}

function applyAll(instance: Instance, table: Table, writes: readonly RowWrite[]) {
  const view = new Overlay(table);
  const results = writes.map((write) => applyWrite(instance, table, write, view));
  instance.atomically(() => view.commit());
  return results;
}

function assertOnePartition(writes: readonly RowWrite[]): void {
  const [first, ...rest] = writes.map(({ primaryKey }) => primaryKey.slice(0, 1));
  const foreign = rest.find((key) => addressOf(key).partition !== addressOf(first!).partition);
  if (foreign === undefined) return;
  const [atomic, data] = [first!, foreign].map((key) => String(key[0]?.value.value));
  throw new ServiceError(
    400,
    'OTSDataOutOfRange',
    `Data out of scope of atomic. Atomic PartKey:${atomic}. Data PartKey:${data}`,
  );
}
