import { ComputeSplitPointsRequest, ComputeSplitPointsResponse } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { consumed } from './read-row.js';
import { checkTableName } from './row-checks.js';

/** Splits are 100 MB or more: a table of the emulator is one. */
export const computeSplitPointsBySize = operation(
  ComputeSplitPointsRequest,
  ComputeSplitPointsResponse,
  (instance, { tableName }) => {
    checkTableName(tableName);
    const table = instance.tableToRead(tableName);
    return { consumed: consumed(0, undefined), schema: table.definition.tableMeta.primaryKey };
  },
);
