import { Empty, ListStreamRequest, ListStreamResponse, ListTimeseriesTableResponse } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { streamIdOf } from './tables.js';

/** Lists the streams of tables; they cannot be read. */
export const listStream = operation(ListStreamRequest, ListStreamResponse, (instance, { tableName }) => {
  const tables = [...instance.tables.values()].filter(({ name }) => tableName === undefined || name === tableName);
  const withStream = tables.filter(({ definition }) => definition.streamSpecification?.enableStream);
  return {
    streams: withStream.map((table) => ({
      streamId: streamIdOf(table),
      tableName: table.name,
      creationTime: BigInt(table.createdAt) * 1000n,
    })),
  };
});

/** Always empty, because time series tables cannot be created. */
export const listTimeseriesTable = operation(Empty, ListTimeseriesTableResponse, () => ({}));
