/** Writes one row, from request bytes to stored row: shared by the single-row operations and BatchWriteRow. */
import { conditionFailed, parameterInvalid, rowConflict } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { cellsOf, cellsSize, givenVersionsSize, keySize, liveRow, makeRow, type Row } from '../storage/row.js';
import type { RowView, Table } from '../storage/table.js';
import type { Transaction } from '../storage/transactions.js';
import { addressOf, type KeyCell } from '../values.js';
import { type Condition, type ReturnContent, ReturnType, type RowExistence } from '../wire/messages-row.js';
import type { WireCell } from '../wire/plain-buffer.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import type { Message } from '../wire/protobuf.js';
import { changeColumns } from './column-changes.js';
import { parseFilter, type RowFilter } from './filters.js';
import { consumed } from './read-row.js';
import { checkCells, checkKey, checkSchema, parseRow } from './row-checks.js';

export type WriteKind = 'PUT' | 'UPDATE' | 'DELETE';

/** A write with valid parameters, not yet checked against a table. */
export interface RowWrite {
  readonly kind: WriteKind;
  readonly primaryKey: readonly KeyCell[];
  readonly cells: readonly WireCell[];
  readonly existence: keyof typeof RowExistence;
  readonly columnCondition: RowFilter | undefined;
  readonly returnContent: Message<typeof ReturnContent> | undefined;
  readonly size: number;
}

export interface WriteRequest {
  readonly row: Uint8Array;
  readonly condition: Message<typeof Condition>;
  readonly returnContent?: Message<typeof ReturnContent> | undefined;
}

/** @throws ServiceError if the request is invalid, whatever the table */
export function parseWrite(kind: WriteKind, request: WriteRequest): RowWrite {
  const { primaryKey, cells } = parseRow(request.row);
  checkKey(primaryKey, 'write');
  checkCells(cells, primaryKey);
  const misplaced = kind === 'UPDATE' ? undefined : cells.find(({ operation }) => kind === 'DELETE' || operation);
  if (misplaced) throw parameterInvalid(`Column '${misplaced.name}' has no place in a ${kind} of a row.`);
  if (kind === 'UPDATE' && cells.length === 0) throw parameterInvalid('Attribute column is missing.');
  const existence = (['IGNORE', 'EXPECT_EXIST', 'EXPECT_NOT_EXIST'] as const)[request.condition.rowExistence];
  if (existence === undefined) throw parameterInvalid('Invalid row existence expectation.');
  const columnCondition = parseFilter(request.condition.columnCondition);
  if (hasPlaceholder(primaryKey)) {
    if (kind === 'DELETE') throw parameterInvalid('Invalid row to delete which with pk auto increment');
    if (existence !== 'IGNORE')
      throw parameterInvalid(`Invalid expect:${existence} when modify row with pk auto increment`);
    if (columnCondition) throw parameterInvalid("Can't set condition when modify row with pk auto increment");
  }
  checkReturnContent(request.returnContent, cells);
  const size = keySize(primaryKey) + cellsSize(cells) + givenVersionsSize(cells);
  return { kind, primaryKey, cells, existence, columnCondition, returnContent: request.returnContent, size };
}

function checkReturnContent(content: WriteRequest['returnContent'], cells: readonly WireCell[]): void {
  const { returnType = ReturnType.NONE, returnColumnNames = [] } = content ?? {};
  if (!(Object.values(ReturnType) as number[]).includes(returnType))
    throw parameterInvalid(`Invalid return type: ${returnType}.`);
  if (returnType !== ReturnType.AFTER_MODIFY) {
    if (returnColumnNames.length === 0) return;
    throw parameterInvalid('Return column names can be set only if the return type is RT_AFTER_MODIFY.');
  }
  const isIncremented = (column: string) =>
    cells.some(({ name, operation }) => name === column && operation === 'INCREMENT');
  const foreign = returnColumnNames.find((column) => !isIncremented(column));
  if (foreign !== undefined)
    throw parameterInvalid(`Column '${foreign}' is not incremented and cannot be returned after modify.`);
}

export function hasPlaceholder(primaryKey: readonly KeyCell[]): boolean {
  return primaryKey.some(({ value }) => value.type === 'AUTO_INCREMENT');
}

/**
 * Checks a write against its table and assigns its id.
 * @throws ServiceError if it does not fit, or another transaction holds the lock
 */
export function prepareWrite(instance: Instance, table: Table, write: RowWrite, transaction?: Transaction): RowWrite {
  checkSchema(table, write.primaryKey);
  if (write.kind === 'UPDATE') table.assertUpdatable();
  const address = addressOf(write.primaryKey);
  if (transaction) {
    transaction.assertCovers(table, address);
    if (hasPlaceholder(write.primaryKey))
      throw parameterInvalid('Auto increment pk is not supported in local transaction.');
    transaction.addSize(write.size);
  } else if (instance.transactions.isLocked(table, address.partition)) throw rowConflict();
  const isExplicitId = table.autoIncrement !== undefined && !hasPlaceholder(write.primaryKey);
  if (isExplicitId && write.existence === 'EXPECT_NOT_EXIST') {
    throw parameterInvalid(
      'Invalid expect: EXPECT_NOT_EXIST when modify a specific row for table with pk auto increment',
    );
  }
  // A client may update an id that the service assigned, but not choose one.
  const existence = isExplicitId && write.kind !== 'DELETE' ? 'EXPECT_EXIST' : write.existence;
  return { ...write, existence, primaryKey: instance.assignId(table, write.primaryKey) };
}

/** Checks the condition on the current row and applies the write. @throws ServiceError if the condition fails */
export function applyWrite(instance: Instance, table: Table, write: RowWrite, view: RowView) {
  const { kind, primaryKey, existence, columnCondition } = write;
  const stored = view.get(addressOf(primaryKey));
  const current = liveRow(stored, table.oldestLive(instance.now()));
  if (existence === 'EXPECT_EXIST' && !current) throw conditionFailed();
  if (existence === 'EXPECT_NOT_EXIST' && current) throw conditionFailed();
  if (columnCondition && !columnCondition.matches(current ? cellsOf(current) : [])) throw conditionFailed();

  const after = kind === 'DELETE' ? undefined : written(instance, table, write, current);
  if (after) view.set(after);
  else if (stored) view.delete(stored);
  const isConditional = existence !== 'IGNORE' || columnCondition !== undefined;
  return { consumed: consumed(isConditional ? 0 : undefined, write.size), row: returned(write, after) };
}

function written(instance: Instance, table: Table, write: RowWrite, current: Row | undefined): Row | undefined {
  const now = instance.now();
  const kept = write.kind === 'UPDATE' ? current : undefined;
  const columns = changeColumns(kept?.columns ?? new Map(), write.cells, table, now);
  // Deletes alone create no row.
  if (write.kind === 'UPDATE' && !current && columns.size === 0) return undefined;
  return makeRow(write.primaryKey, columns, now);
}

function returned(write: RowWrite, after: Row | undefined): Buffer | undefined {
  const { returnType = ReturnType.NONE, returnColumnNames = [] } = write.returnContent ?? {};
  if (returnType === ReturnType.PRIMARY_KEY) return encodeRow({ primaryKey: write.primaryKey });
  if (returnType !== ReturnType.AFTER_MODIFY) return undefined;
  const cells = returnColumnNames.flatMap((name) => {
    const newest = after?.columns.get(name)?.[0];
    return newest ? { name, ...newest } : [];
  });
  return encodeRow({ primaryKey: write.primaryKey, cells });
}
