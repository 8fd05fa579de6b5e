import { noSuchTable, parameterInvalid, ServiceError } from '../errors.js';
import { BatchGetRowRequest, BatchResponse } from '../wire/messages-row.js';
import { operation } from './operation.js';
import { parseSelection } from './read-row.js';
import { checkTableName } from './row-checks.js';
import { parseKey, readRow } from './single-row.js';
import { refuseUnsupported } from './unsupported.js';

export const batchGetRow = operation(BatchGetRowRequest, BatchResponse, (instance, request) => {
  const count = request.tables.reduce((sum, { primaryKeys }) => sum + primaryKeys.length, 0);
  if (request.tables.length === 0) throw parameterInvalid('No row specified in the request of BatchGetRow.');
  if (count > instance.limits.batchGetRows)
    throw parameterInvalid(`Rows count exceeds the upper limit: ${instance.limits.batchGetRows}.`);
  const parsed = request.tables.map((table) => {
    checkTableName(table.tableName);
    refuseUnsupported('BatchGetRow', table, ['tokens']);
    const selection = parseSelection(table, 'No version condition is specified while querying row.');
    return { tableName: table.tableName, selection, keys: table.primaryKeys.map(parseKey) };
  });
  return {
    tables: parsed.map(({ tableName, selection, keys }) => ({
      tableName,
      rows: keys.map((key) =>
        rowResult(() => {
          const fault =
            instance.faults.rowErrorFor('BatchGetRow', 'before') ?? instance.faults.rowErrorFor('BatchGetRow', 'after');
          if (fault) throw fault;
          // Unlike other reads, the service always returns this code here.
          if (!instance.tables.has(tableName)) throw noSuchTable();
          const table = instance.tableToRead(tableName);
          return readRow(instance, table, table, key, selection);
        }),
      ),
    })),
  };
});

/** Returns a row's part of a batch response: the result of `work`, or the service's error. */
export function rowResult<T>(work: () => T) {
  try {
    return { isOk: true, ...work() };
  } catch (error) {
    if (error instanceof ServiceError) return { isOk: false, error: { code: error.code, message: error.message } };
    throw error;
  }
}
