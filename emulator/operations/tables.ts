import { parameterInvalid, quotaExhausted } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { definitionOf } from '../storage/secondary-indexes.js';
import type { Table } from '../storage/table.js';
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
import { operation } from './operation.js';
import { checkTableName } from './row-checks.js';
import { checkDefinition, checkOptions } from './table-checks.js';

/** The index holds what its table held before, and follows it. */
const INDEX_INCREMENTAL = 2;

export const createTable = operation(CreateTableRequest, Empty, (instance, request) => {
  checkDefinition(request);
  instance.assertNameIsFree(request.tableMeta.tableName);
  for (const meta of request.indexMetas) {
    instance.assertNameIsFree(meta.name);
    definitionOf(request, meta);
  }
  const { tables } = instance.limits;
  if (instance.tables.size >= tables) throw quotaExhausted(`Number of tables exceeds the quota:${tables}.`);
  instance.createTable(request);
  return {};
});

export const listTable = operation(Empty, ListTableResponse, (instance) => ({ tableNames: [...instance.tables.keys()].sort() }));

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
  const { definition } = table;
  definition.tableOptions = { ...definition.tableOptions, ...tableOptions };
  if (reservedThroughput) definition.reservedThroughput = reservedThroughput;
  if (streamSpecification) definition.streamSpecification = streamSpecification;
  instance.saveTable(table);
  return throughputAndOptions(table);
});

function find(instance: Instance, tableName: string): Table {
  checkTableName(tableName);
  return instance.table(tableName);
}

function throughputAndOptions(table: Table) {
  const { reservedThroughput, streamSpecification, tableOptions } = table.definition;
  const streamDetails = streamSpecification?.enableStream
    ? { ...streamSpecification, streamId: `${table.name}_${table.createdAt}`, lastEnableTime: BigInt(table.createdAt) * 1000n }
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
