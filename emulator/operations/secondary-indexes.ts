import { ServiceError } from '../errors.js';
import { definitionOf } from '../storage/secondary-indexes.js';
import { CreateIndexRequest, DropIndexRequest, Empty } from '../wire/messages-table.js';
import { checkIndexFits, checkIndexMeta, checkOneMoreIndex } from './index-checks.js';
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';

export const createIndex = operation(
  CreateIndexRequest,
  Empty,
  (instance, { mainTableName, indexMeta, includeBaseData = false }) => {
    checkTableName(mainTableName);
    checkIndexMeta(indexMeta);
    const table = instance.table(mainTableName);
    instance.assertNameIsFree(indexMeta.name);
    checkOneMoreIndex(table);
    checkIndexFits(table.definition, indexMeta);
    definitionOf(table.definition, indexMeta);
    instance.secondary.create(table, indexMeta, includeBaseData);
    table.definition.indexMetas = [...table.definition.indexMetas, indexMeta];
    instance.saveTable(table);
    return {};
  },
);

export const dropIndex = operation(DropIndexRequest, Empty, (instance, { mainTableName, indexName }) => {
  checkTableName(mainTableName);
  checkTableName(indexName, 'index');
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
