import { parameterInvalid } from '../errors.js';
import type { TableDefinition } from '../storage/table.js';
import { AUTO_INCREMENT, PrimaryKeyType, type TableOptions } from '../wire/messages-table.js';
import type { Message } from '../wire/protobuf.js';
import { checkIndexCount, checkIndexMeta } from './index-checks.js';
import { checkColumnName, checkKeyCount, checkTableName } from './row-checks.js';

const MAX_DEFINED_COLUMNS = 32;
/** Integer, double, boolean, string, blob. */
const DEFINED_COLUMN_TYPES: readonly number[] = [1, 2, 3, 4, 7];
const MIN_TTL_SECONDS = 86_400;

/** @throws ServiceError for the first invalid part of a new table */
export function checkDefinition({ tableMeta, tableOptions, indexMetas }: TableDefinition): void {
  checkTableName(tableMeta.tableName);
  checkKeyColumns(tableMeta);
  if (tableMeta.definedColumn.length > MAX_DEFINED_COLUMNS) {
    throw parameterInvalid(`The number of defined columns must be in range: [0, ${MAX_DEFINED_COLUMNS}].`);
  }
  checkDefinedColumns(tableMeta);
  for (const meta of indexMetas) checkIndexMeta(meta);
  checkIndexCount(indexMetas.length);
  if (tableOptions?.timeToLive === undefined) throw parameterInvalid('Time-to-live is missing while creating table.');
  if (tableOptions.maxVersions === undefined) throw parameterInvalid('MaxVersions is missing while creating table.');
  checkOptions(tableOptions);
}

function checkDefinedColumns({ primaryKey, definedColumn }: TableDefinition['tableMeta']): void {
  const names = new Set(primaryKey.map(({ name }) => name));
  for (const { name, type } of definedColumn) {
    checkColumnName(name);
    if (names.has(name)) throw parameterInvalid(`Duplicated defined column name: '${name}'.`);
    names.add(name);
    if (!DEFINED_COLUMN_TYPES.includes(type))
      throw parameterInvalid(`${type} is an invalid type for the defined column.`);
  }
}

function checkKeyColumns({ tableName, primaryKey }: TableDefinition['tableMeta']): void {
  checkKeyCount(primaryKey.length);
  const names = new Set<string>();
  for (const { name, type } of primaryKey) {
    checkColumnName(name);
    if (names.has(name)) throw parameterInvalid(`Duplicated primary key name: '${name}'.`);
    names.add(name);
    if (!(Object.values(PrimaryKeyType) as number[]).includes(type)) {
      throw parameterInvalid(`${type} is an invalid type for the primary key.`);
    }
  }
  const generated = primaryKey.filter(({ option }) => option === AUTO_INCREMENT);
  if (generated.length > 1) throw parameterInvalid('the count of auto-incremental primary keys can not be more than 1');
  if (primaryKey[0]?.option === AUTO_INCREMENT) {
    throw parameterInvalid(`First primary key can't be auto increment, table: ${tableName}.`);
  }
  const [column] = generated;
  if (column && column.type !== PrimaryKeyType.INTEGER) {
    throw parameterInvalid(`Auto increment pk must be integer, name: ${column.name}.`);
  }
}

export function checkOptions({ timeToLive, maxVersions, deviation }: Message<typeof TableOptions>): void {
  if (timeToLive === 0 || (timeToLive !== undefined && timeToLive < -1)) {
    throw parameterInvalid('TimeToLive cannot be 0 or less than -1.');
  }
  if (timeToLive !== undefined && timeToLive !== -1 && timeToLive < MIN_TTL_SECONDS) {
    throw parameterInvalid(`TimeToLive must be -1 or at least ${MIN_TTL_SECONDS}.`);
  }
  if (maxVersions !== undefined && maxVersions < 1) throw parameterInvalid('MaxVersions must be greater than 0.');
  if (deviation !== undefined && deviation < 1n)
    throw parameterInvalid('DeviationCellVersionInSec must be greater than 0.');
}
