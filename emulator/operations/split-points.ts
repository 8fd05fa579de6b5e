import { parameterInvalid } from '../errors.js';
import { md5 } from '../signature.js';
import { ComputeSplitPointsRequest, ComputeSplitPointsResponse } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { consumed } from './read-row.js';
import { checkTableName } from './row-checks.js';

const MIN_UNIT = 1024n * 1024n;

/** A table of the emulator is one split in one location; the Java SDK needs a location for each split. */
export const computeSplitPointsBySize = operation(
  ComputeSplitPointsRequest,
  ComputeSplitPointsResponse,
  (instance, { tableName, splitSize, splitSizeUnit }) => {
    checkTableName(tableName);
    if (splitSize <= 0n) throw parameterInvalid('The split_size should be greater than 0.');
    if (splitSizeUnit !== undefined && splitSizeUnit < MIN_UNIT) {
      throw parameterInvalid(`The split_size_unit_in_byte should be greater equal than: ${MIN_UNIT}`);
    }
    const table = instance.tableToRead(tableName);
    const location = Buffer.from(md5(Buffer.from(tableName)), 'base64').toString('hex');
    return {
      consumed: consumed(0, undefined),
      schema: table.definition.tableMeta.primaryKey,
      locations: [{ location, repeat: 1n }],
    };
  },
);
