import { parameterInvalid } from '../errors.js';
import { liveRow } from '../storage/row.js';
import { type Address, addressOf } from '../values.js';
import { DataBlockType, Direction, GetRangeRequest, GetRangeResponse } from '../wire/messages-row.js';
import type { WireRow } from '../wire/plain-buffer.js';
import { encodeKey, encodeRows } from '../wire/plain-buffer-writer.js';
import { encodeRowMatrix } from '../wire/row-matrix.js';
import { operation } from './operation.js';
import { consumed, parseSelection, selectFrom } from './read-row.js';
import { checkKey, checkSchema, checkTableName, parseRow } from './row-checks.js';
import { refuseUnsupported } from './unsupported.js';

export const getRange = operation(GetRangeRequest, GetRangeResponse, (instance, request) => {
  checkTableName(request.tableName);
  refuseUnsupported('GetRange', request, ['token']);
  if (request.direction !== Direction.FORWARD && request.direction !== Direction.BACKWARD) {
    throw parameterInvalid(`Invalid direction: ${request.direction}.`);
  }
  const backward = request.direction === Direction.BACKWARD;
  const selection = parseSelection(request);
  if (request.limit !== undefined && request.limit <= 0) throw parameterInvalid('The limit must be greater than 0.');
  const [startKey, endKey] = [request.inclusiveStart, request.exclusiveEnd].map((bytes) => {
    const { primaryKey } = parseRow(bytes);
    checkKey(primaryKey, 'bounds');
    return primaryKey;
  }) as [WireRow['primaryKey'], WireRow['primaryKey']];
  const table = instance.tableToRead(request.tableName);
  checkSchema(table, startKey);
  checkSchema(table, endKey);
  const [start, end] = [addressOf(startKey), addressOf(endKey)];
  if (!backward && !isBelow(start, end)) throw parameterInvalid('Begin key must less than end key in FORWARD');
  if (backward && !isBelow(end, start)) throw parameterInvalid('Begin key must more than end key in BACKWARD');
  const transaction =
    request.transactionId === undefined ? undefined : instance.transactions.get(request.transactionId);
  transaction?.assertCovers(table, start);
  transaction?.assertCovers(table, end);

  const { pageRows, pageBytes } = instance.limits;
  const oldest = table.oldestLive(instance.now());
  const rows: WireRow[] = [];
  let scannedRows = 0;
  let scannedBytes = 0;
  let nextStart: Buffer | undefined;
  for (const stored of (transaction?.view ?? table).scan(start, end, backward)) {
    const live = liveRow(stored, oldest);
    if (!live) continue;
    const { size, row } = selectFrom(live, selection, table.options.maxVersions);
    // Return a first row that exceeds the limit: otherwise no client could read past it.
    const isFull = scannedRows >= pageRows || (scannedRows > 0 && scannedBytes + size > pageBytes);
    if (rows.length === request.limit || isFull) {
      nextStart = encodeKey(live.primaryKey);
      break;
    }
    scannedRows++;
    scannedBytes += size;
    if (row) rows.push(row);
  }
  const asMatrix = request.dataBlockTypeHint === DataBlockType.ROW_MATRIX;
  return {
    consumed: consumed(scannedBytes, undefined),
    rows: asMatrix ? encodeRowMatrix(rows) : encodeRows(rows),
    nextStart,
    dataBlockType: asMatrix ? DataBlockType.ROW_MATRIX : DataBlockType.PLAIN_BUFFER,
    compressType: 0,
  };
});

function isBelow(a: Address, b: Address): boolean {
  return a.partition < b.partition || (a.partition === b.partition && a.row < b.row);
}
