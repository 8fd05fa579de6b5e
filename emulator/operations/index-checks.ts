/** Checks of a secondary index that the service makes before it looks at the table. */
import { parameterInvalid } from '../errors.js';
import type { Table, TableDefinition } from '../storage/table.js';
import type { IndexMeta } from '../wire/messages-table.js';
import type { Message } from '../wire/protobuf.js';
import { checkColumnName, checkTableName } from './row-checks.js';

type Meta = Message<typeof IndexMeta>;

const MAX_INDEXES = 5;
const MAX_KEY_COLUMNS = 4;
const MAX_COLUMNS = 32;
const LOCAL = 1;

/** @throws ServiceError for the first invalid part of an index */
export function checkIndexMeta({ name, primaryKey, definedColumn, updateMode = 0, type = 0 }: Meta): void {
  checkTableName(name, 'index');
  if (primaryKey.length < 1 || primaryKey.length > MAX_KEY_COLUMNS) {
    throw parameterInvalid(`The number of primary key columns must be in range: [1, ${MAX_KEY_COLUMNS}] in index.`);
  }
  if (definedColumn.length > MAX_COLUMNS) {
    throw parameterInvalid(`The number of attribute columns must be in range: [0, ${MAX_COLUMNS}] in index.`);
  }
  const names = new Set<string>();
  for (const column of [...primaryKey, ...definedColumn]) {
    checkColumnName(column);
    if (names.has(column)) throw parameterInvalid(`Duplicated column name: '${column}' in index.`);
    names.add(column);
  }
  if (updateMode !== 0 && updateMode !== 1) throw parameterInvalid(`Invalid index update mode: ${updateMode}.`);
  if (type !== 0 && type !== LOCAL) throw parameterInvalid(`Invalid index type: ${type}.`);
}

/** A local index shares the partition key of its table. */
export function checkIndexFits({ tableMeta }: TableDefinition, { name, primaryKey, type }: Meta): void {
  const [first] = tableMeta.primaryKey;
  if (type === LOCAL && primaryKey[0] !== first?.name) {
    throw parameterInvalid(`The first primary key column of local index '${name}' must be '${first?.name}'.`);
  }
}

export function checkIndexCount(count: number): void {
  if (count > MAX_INDEXES) throw parameterInvalid(`Number of index per table exceeds the quota:${MAX_INDEXES}.`);
}

export function checkOneMoreIndex(table: Table): void {
  checkIndexCount(table.definition.indexMetas.length + 1);
}
