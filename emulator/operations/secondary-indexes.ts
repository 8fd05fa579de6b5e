import { ServiceError } from '../errors.js';
import { definitionOf } from '../storage/secondary-indexes.js';
import { CreateIndexRequest, DropIndexRequest, Empty } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';

export const createIndex = operation(
  CreateIndexRequest,
  Empty,
  (instance, { mainTableName, indexMeta, includeBaseData = false }) => {
    const table = instance.table(mainTableName);
    checkTableName(indexMeta.name, 'index');
    instance.assertNameIsFree(indexMeta.name);
    definitionOf(table.definition, indexMeta);
    instance.secondary.create(table, indexMeta, includeBaseData);
    table.definition.indexMetas = [...table.definition.indexMetas, indexMeta];
    instance.saveTable(table);
    return {};
  },
);

export const dropIndex = operation(DropIndexRequest, Empty, (instance, { mainTableName, indexName }) => {
  const table = instance.table(mainTableName);
  const left = table.definition.indexMetas.filter(({ name }) => name !== indexName);
  if (left.length === table.definition.indexMetas.length) {
    throw new ServiceError(404, 'OTSObjectNotExist', 'Requested index does not exist.');
  }
  instance.secondary.drop(table, indexName);
  table.definition.indexMetas = left;
  instance.saveTable(table);
  return {};
});
