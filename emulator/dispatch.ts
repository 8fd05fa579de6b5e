import { parameterInvalid, quotaExhausted } from './errors.js';
import { batchGetRow } from './operations/batch-get-row.js';
import { batchWriteRow } from './operations/batch-write-row.js';
import { getRange } from './operations/get-range.js';
import type { Operation } from './operations/operation.js';
import { computeSplits, parallelScan } from './operations/parallel-scan.js';
import { search } from './operations/search.js';
import {
  createSearchIndex,
  deleteSearchIndex,
  describeSearchIndex,
  listSearchIndex,
  updateSearchIndex,
} from './operations/search-indexes.js';
import { createIndex, dropIndex } from './operations/secondary-indexes.js';
import { deleteRow, getRow, putRow, updateRow } from './operations/single-row.js';
import { computeSplitPointsBySize } from './operations/split-points.js';
import { listStream, listTimeseriesTable } from './operations/streams.js';
import { createTable, deleteTable, describeTable, listTable, updateTable } from './operations/tables.js';
import { abortTransaction, commitTransaction, startLocalTransaction } from './operations/transactions.js';

const TABLE_OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateTable: createTable,
  DeleteTable: deleteTable,
  UpdateTable: updateTable,
  CreateIndex: createIndex,
  DropIndex: dropIndex,
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...TABLE_OPERATIONS,
  ListTable: listTable,
  DescribeTable: describeTable,
  GetRow: getRow,
  PutRow: putRow,
  UpdateRow: updateRow,
  DeleteRow: deleteRow,
  BatchGetRow: batchGetRow,
  BatchWriteRow: batchWriteRow,
  GetRange: getRange,
  StartLocalTransaction: startLocalTransaction,
  CommitTransaction: commitTransaction,
  AbortTransaction: abortTransaction,
  CreateSearchIndex: createSearchIndex,
  UpdateSearchIndex: updateSearchIndex,
  ListSearchIndex: listSearchIndex,
  DescribeSearchIndex: describeSearchIndex,
  DeleteSearchIndex: deleteSearchIndex,
  Search: search,
  ComputeSplitPointsBySize: computeSplitPointsBySize,
  ComputeSplits: computeSplits,
  ParallelScan: parallelScan,
  ListStream: listStream,
  ListTimeseriesTable: listTimeseriesTable,
};

export const OPERATION_NAMES: readonly string[] = Object.keys(OPERATIONS);

/** @throws ServiceError if the emulator does not support the operation */
export function operationOf(name: string): Operation {
  const found = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (found === undefined) throw parameterInvalid(`Unsupported operation: ${name}.`);
  return found;
}

/** Returns a counter of operations that change tables; it throws above `perSecond` of them in one second. */
export function tableOperationQuota(perSecond: number | undefined): (operation: string) => void {
  let second = 0;
  let count = 0;
  return (operation) => {
    if (perSecond === undefined || !Object.hasOwn(TABLE_OPERATIONS, operation)) return;
    const current = Math.floor(Date.now() / 1000);
    if (current !== second) count = 0;
    second = current;
    if (++count > perSecond) throw quotaExhausted('Too frequent table operations.');
  };
}
