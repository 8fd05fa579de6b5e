import { randomBytes } from 'node:crypto';
import { invalidArgument, TimelineError } from '../../src/errors.js';
import type { SdkTable } from './client.js';
import type { KeyColumn, Layout } from './layout.js';
import type { Sequence } from './options.js';
import type { Requests } from './requests.js';
import { sharedName, tableName } from './table-names.js';
import { requestError, StoreError, toTimelineError } from './tablestore-errors.js';
import { keyColumnsOf } from './timeline-key.js';
import { columnOf, type KeyPart, MAX, MIN, type Table } from './values.js';

/** The shortest TTL of a table. */
export const MIN_TTL_MS = 86_400_000;
/**
 * The table keeps entries so much longer than readers see them, so that what has expired can still be told from what never was, and
 * so that clocks may differ.
 */
const GRACE_MS = 86_400_000;
/** A table that is not ours alone has exactly the TTL that its other users count on. */
export const graceMs = (layout: Layout): number => (layout.shared ? 0 : GRACE_MS);
/** Entries carry their own time as version, whatever the service's clock says: 68 years, the largest number of seconds in 32 bits. */
const MAX_DEVIATION_S = 2 ** 31 - 1;
/** A new table may take a minute. */
const READY_WITHIN_MS = 90_000;
/** How long the service may be away when a library is opened. */
const REACHED_WITHIN_MS = 5000;
const PAUSE_MS = 200;

/** The tables of one library. */
export interface Tables {
  readonly entries: Table;
  readonly meta: Table;
  /** Claims of idempotency keys, where numbering cannot check them. */
  readonly keys: Table | undefined;
}

export interface TableSettings {
  readonly sequence: Sequence;
  readonly layout: Layout;
  readonly ttlMs: number | undefined;
  readonly keyWindowMs: number;
}

interface Schema {
  readonly table: Table;
  readonly key: readonly KeyColumn[];
  readonly auto: boolean;
  /** −1: for ever. */
  readonly ttlSeconds: number;
  /** Undefined: as the service has it. */
  readonly deviationSeconds: number | undefined;
}

/** In the meta table under no Timeline. */
const RECORD = ['', 'library'] as const;

export async function openTables(
  requests: Requests,
  library: string,
  settings: TableSettings,
): Promise<Tables & { epoch: string }> {
  const { entries, meta, keys } = schemasOf(library, settings);
  const tables = { entries: entries.table, meta: meta.table, keys: keys?.table };
  try {
    const before = await readRecord(requests, tables.meta);
    const made = await ensureTable(requests, entries);
    await Promise.all([meta, ...(keys ? [keys] : [])].map((schema) => ensureTable(requests, schema)));
    // The record is written after the table of entries, so one that is there without it speaks of entries that were lost.
    const epoch = await recordEpoch(requests, tables.meta, settings, made ? before?.epoch : undefined);
    return { ...tables, epoch };
  } catch (error) {
    throw toTimelineError(error, 'read');
  }
}

function schemasOf(library: string, { sequence, layout, ttlMs, keyWindowMs }: TableSettings) {
  const name = layout.shared ? sharedName(library) : tableName(library);
  const idColumns = keyColumnsOf(layout);
  const schema = (suffix: string, key: readonly KeyColumn[], keptMs?: number, auto = false): Schema => ({
    table: { name: `${name}${suffix}`, key: key.map((column) => column.name) },
    key,
    auto,
    ttlSeconds: keptMs === undefined ? -1 : Math.ceil(Math.max(keptMs, MIN_TTL_MS) / 1000),
    deviationSeconds: MAX_DEVIATION_S,
  });
  const keptMs = ttlMs === undefined ? undefined : ttlMs + graceMs(layout);
  const entries = schema('', [...idColumns, { name: layout.sequenceColumn, type: 'INTEGER' }], keptMs, sequence === 'auto');
  const hasClaims = sequence !== 'cas' && keyWindowMs > 0 && layout.tokenColumn !== undefined;
  const named = (column: string): KeyColumn => ({ name: column, type: 'STRING' });
  return {
    entries: layout.shared ? { ...entries, deviationSeconds: undefined } : entries,
    meta: schema('_meta', [named('timeline'), named('name')]),
    keys: hasClaims ? schema('_keys', [named('timeline'), named('key')], keyWindowMs + GRACE_MS) : undefined,
  };
}

/** Resolves with whether it made the table. */
async function ensureTable(requests: Requests, schema: Schema): Promise<boolean> {
  const described = await describe(requests, schema.table.name);
  if (described) {
    checkSchema(schema, described);
    return false;
  }
  const made = await patiently(() => createTable(requests, schema));
  const { table } = schema;
  const whole = { table, from: table.key.map(() => MIN as KeyPart), to: table.key.map(() => MAX as KeyPart), limit: 1 };
  await patiently(() => requests.range(whole));
  return made;
}

async function describe(requests: Requests, name: string): Promise<SdkTable | undefined> {
  try {
    return await patiently(() => requests.send<SdkTable>('describeTable', { tableName: name }));
  } catch (error) {
    if (requestError(error).failure === 'missing') return undefined;
    throw error;
  }
}

async function createTable(requests: Requests, schema: Schema): Promise<boolean> {
  const { table, key, auto, ttlSeconds, deviationSeconds } = schema;
  try {
    await requests.send('createTable', {
      tableMeta: {
        tableName: table.name,
        primaryKey: key.map(({ name, type }, i) =>
          auto && i === key.length - 1 ? { name, type, option: 'AUTO_INCREMENT' } : { name, type },
        ),
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: ttlSeconds, maxVersions: 1, maxTimeDeviation: deviationSeconds },
    });
    return true;
  } catch (error) {
    if (requestError(error).failure === 'exists') return false;
    throw error;
  }
}

const TYPES: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BINARY' };

function checkSchema({ table, key, auto, ttlSeconds }: Schema, { tableMeta, tableOptions }: SdkTable): void {
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
  if (found !== wanted) throw otherSettings(`the key columns of table ${table.name} are ${found}, not ${wanted}`);
  if (tableOptions.timeToLive !== ttlSeconds) {
    throw otherSettings(`table ${table.name} keeps rows for ${tableOptions.timeToLive} seconds, not ${ttlSeconds}`);
  }
}

interface LibraryRecord {
  readonly epoch: string;
  readonly settings: string;
}

async function readRecord(requests: Requests, meta: Table): Promise<LibraryRecord | undefined> {
  try {
    const [row] = await patiently(() => requests.get(meta, [RECORD]));
    if (!row) return undefined;
    return { epoch: String(columnOf(row.columns, 'epoch')), settings: String(columnOf(row.columns, 'settings')) };
  } catch (error) {
    if (causeOf(error).failure === 'missing') return undefined;
    throw error;
  }
}

/** The epoch of the library's record, which is made if there is none, and gets a new one if it still has the one that was `lost`. */
async function recordEpoch(
  requests: Requests,
  meta: Table,
  { sequence, layout }: TableSettings,
  lost: string | undefined,
): Promise<string> {
  const settings = JSON.stringify({ sequence, layout: layout.name });
  const put = [
    { name: 'epoch', value: randomBytes(12).toString('base64url') },
    { name: 'settings', value: settings },
  ];
  await patiently(async () => {
    const condition =
      lost === undefined ? undefined : [{ column: 'epoch', is: 'EQUAL', value: lost, passIfMissing: true } as const];
    const expect = lost === undefined ? 'missing' : undefined;
    const [result] = await requests.write([{ table: meta, key: RECORD, type: 'PUT', put, expect, condition }]);
    if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
  });
  const record = await readRecord(requests, meta);
  if (!record) throw new TimelineError('TIMELINE_UNAVAILABLE', `the record of the library in table ${meta.name} is gone`);
  if (record.settings !== settings) throw otherSettings(`the library was made with ${record.settings}, not ${settings}`);
  return record.epoch;
}

function otherSettings(problem: string): TimelineError {
  return invalidArgument('options', `do not fit the tables that are there: ${problem}`);
}

/** Tables come into being slowly, and only so many a second; nothing done here does harm when it is done twice. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (const begun = performance.now(); ; ) {
    try {
      return await run();
    } catch (error) {
      const { failure, message } = causeOf(error);
      const patience = /OTSTableNotReady|OTSQuotaExhausted/.test(message) ? READY_WITHIN_MS : REACHED_WITHIN_MS;
      if ((failure !== 'passing' && failure !== 'ambiguous') || performance.now() - begun > patience) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * (0.5 + Math.random())));
  }
}

function causeOf(error: unknown): StoreError {
  const { cause } = error as { cause?: unknown };
  return cause instanceof StoreError ? cause : requestError(error);
}
