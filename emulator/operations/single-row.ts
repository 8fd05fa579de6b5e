import { parameterInvalid } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { liveRow } from '../storage/row.js';
import type { RowView, Table } from '../storage/table.js';
import { addressOf } from '../values.js';
import { GetRowRequest, GetRowResponse, WriteRowRequest, WriteRowResponse } from '../wire/messages-row.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import { operation } from './operation.js';
import { consumed, parseSelection, type Selection, selectFrom } from './read-row.js';
import { checkKey, checkSchema, checkTableName, parseRow } from './row-checks.js';
import { refuseUnsupported } from './unsupported.js';
import { applyWrite, hasPlaceholder, parseWrite, prepareWrite, type WriteKind } from './write-row.js';

export const getRow = operation(GetRowRequest, GetRowResponse, (instance, request) => {
  checkTableName(request.tableName);
  refuseUnsupported('GetRow', request, ['token']);
  const selection = parseSelection(request);
  const key = parseKey(request.primaryKey);
  const table = instance.tableToRead(request.tableName);
  const transaction =
    request.transactionId === undefined ? undefined : instance.transactions.get(request.transactionId);
  transaction?.assertCovers(table, addressOf(key));
  return readRow(instance, table, transaction?.view ?? table, key, selection);
});

export function parseKey(bytes: Uint8Array) {
  const { primaryKey } = parseRow(bytes);
  checkKey(primaryKey, 'read');
  return primaryKey;
}

/** @throws ServiceError if the key does not fit the table */
export function readRow(
  instance: Instance,
  table: Table,
  view: RowView,
  key: ReturnType<typeof parseKey>,
  selection: Selection,
) {
  checkSchema(table, key);
  const live = liveRow(view.get(addressOf(key)), table.oldestLive(instance.now()));
  const { size, row } = live ? selectFrom(live, selection, table.options.maxVersions) : { size: 0 };
  return { consumed: consumed(size, undefined), row: row ? encodeRow(row) : Buffer.alloc(0) };
}

const write = (kind: WriteKind) =>
  operation(WriteRowRequest, WriteRowResponse, async (instance, request) => {
    checkTableName(request.tableName);
    const parsed = parseWrite(kind, request);
    const { writeBytes } = instance.limits;
    if (parsed.size > writeBytes) {
      throw parameterInvalid(
        `The total data size of the row exceeds the limit, limit size: ${writeBytes}, data size: ${parsed.size}.`,
      );
    }
    const table = instance.tableToWrite(request.tableName);
    const transaction =
      request.transactionId === undefined ? undefined : instance.transactions.get(request.transactionId);
    const prepared = prepareWrite(instance, table, parsed, transaction);
    const delay = hasPlaceholder(parsed.primaryKey) ? instance.delayCommit() : undefined;
    if (delay) await delay;
    return applyWrite(instance, table, prepared, transaction?.view ?? table);
  });

export const putRow = write('PUT');
export const updateRow = write('UPDATE');
export const deleteRow = write('DELETE');
