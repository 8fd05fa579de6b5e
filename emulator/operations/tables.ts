import { parameterInvalid, quotaExhausted, tableExists } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { definitionOf } from '../storage/secondary-indexes.js';
import type { Table, TableDefinition } from '../storage/table.js';
import {
  CreateTableRequest,
  DescribeTableResponse,
  Empty,
  ListTableResponse,
  TableNameRequest,
  TableStatus,
  UpdateTableRequest,
  UpdateTableResponse,
} from '../wire/messages-table.js';
import { checkIndexFits } from './index-checks.js';
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';
import { checkDefinition, checkOptions } from './table-checks.js';
import { refuseUnsupported, unsupported } from './unsupported.js';

/** Fills the index from its table, which it then follows. */
const INDEX_INCREMENTAL = 2;

export const createTable = operation(CreateTableRequest, Empty, (instance, request) => {
  checkDefinition(request);
  refuseUnsupported('CreateTable', request, ['partitions']);
  refuseUnsupported('CreateTable', request.tableMeta, ['indexMetas']);
  if (request.sseSpecification?.enable) throw unsupported('CreateTable', 'sseSpecification');
  checkStream('CreateTable', request);
  const names = [request.tableMeta.tableName, ...request.indexMetas.map(({ name }) => name)];
  for (const [index, name] of names.entries()) {
    instance.assertNameIsFree(name);
    if (names.indexOf(name) !== index) throw tableExists();
  }
  for (const meta of request.indexMetas) {
    checkIndexFits(request, meta);
    definitionOf(request, meta);
  }
  const { tables } = instance.limits;
  if (instance.tables.size >= tables) throw quotaExhausted(`Number of tables exceeds the quota:${tables}.`);
  instance.createTable(request);
  return {};
});

export const listTable = operation(Empty, ListTableResponse, (instance) => ({
  tableNames: [...instance.tables.keys()].sort(),
}));

export const deleteTable = operation(TableNameRequest, Empty, (instance, { tableName }) => {
  const table = find(instance, tableName);
  if (instance.search.of(tableName).length > 0) {
    throw parameterInvalid(`Table[${tableName}] who has at least one search index cannot be deleted`);
  }
  instance.dropTable(table);
  return {};
});

export const describeTable = operation(TableNameRequest, DescribeTableResponse, (instance, { tableName }) => {
  const table = find(instance, tableName);
  const { tableMeta, indexMetas } = table.definition;
  return {
    tableMeta,
    ...throughputAndOptions(table),
    tableStatus: instance.isReady(table) ? TableStatus.ACTIVE : TableStatus.LOADING,
    indexMetas: indexMetas.map((meta) => ({ updateMode: 0, type: 0, ...meta, syncPhase: INDEX_INCREMENTAL })),
    creationTime: BigInt(table.createdAt) * 1000n,
  };
});

export const updateTable = operation(UpdateTableRequest, UpdateTableResponse, (instance, request) => {
  const table = find(instance, request.tableName);
  const { tableOptions, reservedThroughput, streamSpecification } = request;
  if (tableOptions?.updateFullRow !== undefined)
    throw parameterInvalid('The request of UpdateTable can not contain updateFullRow.');
  if (!tableOptions && !reservedThroughput && !streamSpecification)
    throw parameterInvalid('No property is specified in UpdateTable.');
  if (tableOptions) checkOptions(tableOptions);
  checkStream('UpdateTable', request);
  const { definition } = table;
  definition.tableOptions = { ...definition.tableOptions, ...tableOptions };
  if (reservedThroughput) definition.reservedThroughput = reservedThroughput;
  if (streamSpecification) definition.streamSpecification = streamSpecification;
  instance.saveTable(table);
  return throughputAndOptions(table);
});

/** A stream that is switched on is listed and described, but cannot be read. */
function checkStream(operation: string, { streamSpecification }: Pick<TableDefinition, 'streamSpecification'>): void {
  if (streamSpecification) refuseUnsupported(operation, streamSpecification, ['columnsToGet']);
}

export const streamIdOf = (table: Table) => `${table.name}_${table.createdAt}`;

function find(instance: Instance, tableName: string): Table {
  checkTableName(tableName);
  return instance.table(tableName);
}

function throughputAndOptions(table: Table) {
  const { reservedThroughput, streamSpecification, tableOptions } = table.definition;
  const streamDetails = streamSpecification?.enableStream
    ? { ...streamSpecification, streamId: streamIdOf(table), lastEnableTime: BigInt(table.createdAt) * 1000n }
    : { enableStream: false };
  return {
    reservedThroughputDetails: {
      capacityUnit: { read: 0, write: 0, ...reservedThroughput.capacityUnit },
      lastIncreaseTime: BigInt(Math.floor(table.createdAt / 1000)),
    },
    tableOptions: { updateFullRow: false, ...tableOptions, ...table.options },
    streamDetails,
  };
}
