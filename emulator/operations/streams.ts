import { Empty, ListStreamRequest, ListStreamResponse, ListTimeseriesTableResponse } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { streamIdOf } from './tables.js';

/** Streams that tables were given; nothing can be read from them. */
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

/** There are none, as they cannot be made. */
export const listTimeseriesTable = operation(Empty, ListTimeseriesTableResponse, () => ({}));
