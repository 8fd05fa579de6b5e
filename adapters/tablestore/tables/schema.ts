import { invalidArgument } from '../../../src/errors.js';
import type { LibrarySettings } from '../../../src/settings.js';
import type { KeyColumn, Layout } from '../layouts/layout.js';
import type { Sequence } from '../options.js';
import type { SdkTable } from '../service/client.js';
import { requestError } from '../service/errors.js';
import type { Requests } from '../service/requests.js';
import { type KeyPart, MAX, MIN, type Table } from '../service/values.js';
import type { Patience } from './patience.js';
import { sharedName, tableName } from './table-names.js';
import { keyColumnsOf } from './timeline-key.js';

/** The shortest TTL of a table. */
export const MIN_TTL_MS = 86_400_000;
/**
 * The table keeps entries so much longer than readers see them, so that what has expired can still be told from what never was, and
 * so that clocks may differ.
 */
const GRACE_MS = 86_400_000;
/** A table that is not ours alone has exactly the TTL that its other users count on. */
export const graceMs = (layout: Layout): number => (layout.shared ? 0 : GRACE_MS);
/** A clock that is trusted gives cells its own time, whatever the service's says: 68 years, the largest number of seconds in 32 bits. */
const MAX_DEVIATION_S = 2 ** 31 - 1;
const FOR_EVER = -1;

/** The tables of one library. */
export interface Tables {
  readonly entries: Table;
  readonly meta: Table;
  /** Claims of idempotency keys, where numbering cannot check them. */
  readonly keys: Table | undefined;
}

export interface Schema {
  readonly table: Table;
  readonly key: readonly KeyColumn[];
  readonly auto: boolean;
  /** Undefined: as the service has it. */
  readonly deviationSeconds: number | undefined;
}

export interface Schemas {
  readonly entries: Schema;
  readonly meta: Schema;
  readonly keys: Schema | undefined;
}

export function schemasOf(library: string, sequence: Sequence, layout: Layout): Schemas {
  const name = layout.shared ? sharedName(library) : tableName(library);
  const schema = (suffix: string, key: readonly KeyColumn[], auto = false): Schema => ({
    table: { name: `${name}${suffix}`, key: key.map((column) => column.name) },
    key,
    auto,
    deviationSeconds: MAX_DEVIATION_S,
  });
  const entries = schema(
    '',
    [...keyColumnsOf(layout), { name: layout.sequenceColumn, type: 'INTEGER' }],
    sequence === 'auto',
  );
  const named = (column: string): KeyColumn => ({ name: column, type: 'STRING' });
  const hasClaims = sequence !== 'cas' && layout.tokenColumn !== undefined;
  return {
    entries: layout.shared ? { ...entries, deviationSeconds: undefined } : entries,
    meta: schema('_meta', [named('timeline'), named('name')]),
    keys: hasClaims ? schema('_keys', [named('timeline'), named('key')]) : undefined,
  };
}

/** Seconds that the table of entries keeps a row; −1: for ever. */
export function entrySeconds({ ttlMs }: LibrarySettings, layout: Layout): number {
  return ttlMs === null ? FOR_EVER : Math.ceil(Math.max(ttlMs + graceMs(layout), MIN_TTL_MS) / 1000);
}

/** The same of claims. */
export function claimSeconds({ keyWindowMs }: LibrarySettings): number {
  return keyWindowMs === null ? FOR_EVER : Math.ceil((keyWindowMs + GRACE_MS) / 1000);
}

/** The TTL that readers of such a table count on; `null`: for ever. */
export function ttlMsOf({ tableOptions: { timeToLive } }: SdkTable, layout: Layout): number | null {
  return timeToLive === FOR_EVER ? null : Math.max(MIN_TTL_MS, timeToLive * 1000 - graceMs(layout));
}

/** Undefined for a table that is not there. */
export async function describe(requests: Requests, schema: Schema, patience: Patience): Promise<SdkTable | undefined> {
  const parameters = { tableName: schema.table.name };
  try {
    const table = await patience.run((call) => requests.transport.send<SdkTable>('describeTable', parameters, call));
    checkKeys(schema, table);
    return table;
  } catch (error) {
    if (requestError(error).failure === 'missing') return undefined;
    throw error;
  }
}

/** Resolves once the table can be used; one that is there meanwhile is as good. */
export async function create(
  requests: Requests,
  schema: Schema,
  ttlSeconds: number,
  patience: Patience,
): Promise<void> {
  const { table, key, auto, deviationSeconds } = schema;
  const parameters = {
    tableMeta: {
      tableName: table.name,
      primaryKey: key.map(({ name, type }, i) =>
        auto && i === key.length - 1 ? { name, type, option: 'AUTO_INCREMENT' } : { name, type },
      ),
    },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: ttlSeconds, maxVersions: 1, maxTimeDeviation: deviationSeconds },
  };
  await patience.run(async (call) => {
    try {
      await requests.transport.send('createTable', parameters, call);
    } catch (error) {
      if (requestError(error).failure !== 'exists') throw error;
    }
  });
  const whole = { table, from: table.key.map(() => MIN as KeyPart), to: table.key.map(() => MAX as KeyPart), limit: 1 };
  await patience.run((call) => requests.range(whole, call));
}

export async function setTtl(
  requests: Requests,
  { name }: Table,
  ttlSeconds: number,
  patience: Patience,
): Promise<void> {
  const parameters = { tableName: name, tableOptions: { timeToLive: ttlSeconds, maxVersions: 1 } };
  await patience.run((call) => requests.transport.send('updateTable', parameters, call));
}

const TYPES: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BINARY' };

function checkKeys({ table, key, auto }: Schema, { tableMeta }: SdkTable): void {
  const show = (columns: readonly (KeyColumn & { auto: boolean })[]) =>
    columns.map(({ name, type, auto }) => `${name} ${type}${auto ? ' AUTO_INCREMENT' : ''}`).join(', ');
  const wanted = show(key.map((column, i) => ({ ...column, auto: auto && i === key.length - 1 })));
  // An option that is absent reads as if it were set.
  const found = show(
    tableMeta.primaryKey.map((column) => ({
      name: column.name,
      type: TYPES[column.type] as KeyColumn['type'],
      auto: Object.hasOwn(column, 'option') && column.option === 1,
    })),
  );
  if (found === wanted) return;
  throw invalidArgument(
    'sequence',
    `and layout do not fit table ${table.name}: its key columns are ${found}, not ${wanted}`,
  );
}
