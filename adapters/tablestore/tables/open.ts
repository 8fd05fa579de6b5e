import type { Call, LibraryOptions } from '../../../src/adapter.js';
import { invalidArgument } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { type Reconciled, reconcileSettings } from '../../../src/settings.js';
import { pause } from '../../../src/toolkit/index.js';
import type { KeyColumn } from '../layouts/layout.js';
import type { Settings } from '../options.js';
import type { SdkTable } from '../service/client.js';
import { causeOf, requestError, toTimelineError } from '../service/errors.js';
import type { Requests, RowWrite } from '../service/requests.js';
import { type ColumnTest, type KeyPart, MAX, MIN, type Table } from '../service/values.js';
import { LibraryRecord, newEpoch, RECORD_KEY, type RecordColumns, readRecord } from './library-record.js';
import {
  entrySeconds,
  keySeconds,
  schemasOf,
  type TableSchema,
  type TableSchemas,
  type Tables,
  ttlMsOf,
} from './schema.js';

/** Version of the stored form; that of version 0.1 was 1. */
const FORMAT = 2;
const DAY_MS = 86_400_000;

export interface OpenedTables {
  readonly tables: Tables;
  readonly record: LibraryRecord;
  /**
   * Gives the table of entries its TTL. Set if the table still keeps entries for ever: call it once every Timeline's
   * last SeqId is recorded.
   */
  readonly applyTtl: (() => Promise<void>) | undefined;
}

/** Creates missing tables and agrees on the library's settings with other processes. */
export async function openTables(
  requests: Requests,
  options: LibraryOptions,
  settings: Settings,
): Promise<OpenedTables> {
  try {
    return await new Opening(requests, options, settings).run();
  } catch (error) {
    throw toTimelineError(error, 'read');
  }
}

class Opening {
  readonly #requests: Requests;
  readonly #options: LibraryOptions;
  readonly #settings: Settings;
  readonly #admin: TableAdmin;
  readonly #schemas: TableSchemas;

  constructor(requests: Requests, options: LibraryOptions, settings: Settings) {
    this.#requests = requests;
    this.#options = options;
    this.#settings = settings;
    this.#admin = new TableAdmin(requests, settings.timeoutMs);
    this.#schemas = schemasOf(options.name, settings.sequence, settings.layout);
  }

  async run(): Promise<OpenedTables> {
    const { name: library, clock } = this.#options;
    const { entries, meta, keys } = this.#schemas;
    const [entriesTable, metaTable, keysTable] = await Promise.all(
      [entries, meta, keys].map((schema) => schema && this.#admin.describe(schema)),
    );
    if (!metaTable) await this.#admin.create(meta, -1);
    const clockReadAt = performance.now();
    const columns = await this.#agreeOnRecord(entriesTable);
    const record = new LibraryRecord(
      { requests: this.#requests, meta: meta.table, library, clock },
      columns,
      clockReadAt,
    );
    if (keys) await this.#ensureTable(keys, keysTable, keySeconds(record.settings));
    const seconds = entrySeconds(record.settings, this.#settings.layout);
    const isTtlDelayed = entriesTable?.tableOptions.timeToLive === -1 && seconds !== -1;
    // The table of entries is created last: whoever writes into it finds its epoch in the record.
    if (!isTtlDelayed) await this.#ensureTable(entries, entriesTable, seconds);
    if (columns.state === 'making') await this.#markAsMade(columns);
    const applyTtl = () => new TableAdmin(this.#requests, this.#settings.timeoutMs).setTtl(entries.table, seconds);
    const tables = { entries: entries.table, meta: meta.table, keys: keys?.table };
    return { tables, record, applyTtl: isTtlDelayed ? applyTtl : undefined };
  }

  async #ensureTable(schema: TableSchema, table: SdkTable | undefined, seconds: number): Promise<void> {
    if (!table) await this.#admin.create(schema, seconds);
    else if (table.tableOptions.timeToLive !== seconds) await this.#admin.setTtl(schema.table, seconds);
  }

  /**
   * Resolves with the record once it fits the options. Of several processes one writes it; the others read it again.
   */
  async #agreeOnRecord(entries: SdkTable | undefined): Promise<RecordColumns> {
    const { clock } = this.#options;
    const { table } = this.#schemas.meta;
    for (let followed = clock.trustsNow ? undefined : clock; ; followed = undefined) {
      const record = await this.#admin.retry((call) => readRecord(this.#requests, table, followed, call));
      const { text } = this.#reconcile(record, entries);
      // Another process may have created the table since it was described.
      const isLost = record?.state === 'made' && !entries && !(await this.#admin.describe(this.#schemas.entries));
      if (record && !isLost && record.settings === text) return record;
      const state = entries && !isLost ? 'made' : 'making';
      const epoch = record && !isLost ? record.epoch : newEpoch();
      const next = { epoch, settings: text, layout: this.#settings.layout.name, state };
      if (await this.#replaceRecord(record, next)) return next;
    }
  }

  #reconcile(record: RecordColumns | undefined, entries: SdkTable | undefined): Reconciled {
    const { layout, sequence, keyWindowMs } = this.#settings;
    const { name, ttlMs, alter } = this.#options;
    if (record && record.layout !== layout.name) {
      const problem = `of ${name} is '${record.layout}' since its creation and cannot become '${layout.name}'`;
      throw invalidArgument('layout', problem);
    }
    const wanted = { format: FORMAT, numbering: sequence, ttlMs, keyWindowMs, defaultKeyWindowMs: DAY_MS };
    return reconcileSettings(this.#storedSettings(record, entries), wanted, { library: name, alter });
  }

  /** The TTL of an existing table counts if there is no record, and always if another program shares the table. */
  #storedSettings(record: RecordColumns | undefined, entries: SdkTable | undefined): string | undefined {
    const { layout, sequence, keyWindowMs = DAY_MS } = this.#settings;
    if (!entries) return record?.settings;
    const ttlMs = ttlMsOf(entries, layout);
    if (!record) return JSON.stringify({ format: FORMAT, ttlMs, keyWindowMs, numbering: sequence });
    return layout.shared ? JSON.stringify({ ...JSON.parse(record.settings), ttlMs }) : record.settings;
  }

  /** Resolves with false if the record is no longer `before`. */
  async #replaceRecord(before: RecordColumns | undefined, next: RecordColumns): Promise<boolean> {
    const put = Object.entries(next).map(([name, value]) => ({ name, value: value as string }));
    const row = { table: this.#schemas.meta.table, key: RECORD_KEY, type: 'PUT', put } as const;
    if (!before) return this.#write({ ...row, expect: 'missing' });
    const { epoch, settings, state } = before;
    return this.#write({ ...row, condition: [is('epoch', epoch), is('settings', settings), is('state', state)] });
  }

  async #markAsMade({ epoch }: RecordColumns): Promise<void> {
    const put = [{ name: 'state', value: 'made' }];
    const { table } = this.#schemas.meta;
    await this.#write({ table, key: RECORD_KEY, type: 'UPDATE', put, condition: [is('epoch', epoch)] });
  }

  /** Resolves with false if the condition fails. */
  #write(row: RowWrite): Promise<boolean> {
    return this.#admin.retry(async (call) => {
      const [result] = await this.#requests.write([row], call);
      if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
      return result?.ok === true;
    });
  }
}

function is(column: keyof RecordColumns, value: string): ColumnTest {
  return { column, is: 'EQUAL', value, passIfMissing: false };
}

/** A new table may take a minute, and the service limits how many are made per second. */
export const READY_WITHIN_MS = 90_000;

/**
 * Describes, creates and alters tables. All its requests are safe to repeat and share one budget, which starts again,
 * up to {@link READY_WITHIN_MS}, while the service answers that tables are not ready.
 */
class TableAdmin {
  readonly #requests: Requests;
  readonly #budgetMs: number;
  readonly #readyBy = performance.now() + READY_WITHIN_MS;
  #deadline: number;

  constructor(requests: Requests, budgetMs: number) {
    this.#requests = requests;
    this.#budgetMs = budgetMs;
    this.#deadline = performance.now() + budgetMs;
  }

  /** Retries `run` within the budget. */
  async retry<T>(run: (call: Call) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let ms: number | undefined;
      try {
        return await run({ deadline: this.#deadline });
      } catch (error) {
        const { isTransient, message } = causeOf(error);
        if (/OTSTableNotReady|OTSQuotaExhausted/.test(message)) {
          this.#deadline = Math.min(this.#readyBy, performance.now() + this.#budgetMs);
        }
        if (isTransient) ms = pauseAfter(attempt, toTimelineError(error, 'read'), this.#deadline);
        if (ms === undefined) throw error;
      }
      await pause(ms);
    }
  }

  /**
   * Resolves with `undefined` if the table does not exist.
   *
   * @throws `TIMELINE_INVALID_ARGUMENT` if it has other key columns.
   */
  async describe(schema: TableSchema): Promise<SdkTable | undefined> {
    const parameters = { tableName: schema.table.name };
    try {
      const table = await this.retry((call) =>
        this.#requests.transport.send<SdkTable>('describeTable', parameters, call),
      );
      checkKeyColumns(schema, table);
      return table;
    } catch (error) {
      if (requestError(error).failure === 'missing') return undefined;
      throw error;
    }
  }

  /** Resolves once the table can be used, also if another process creates it at the same time. */
  async create({ table, key, isAutoIncrement, deviationSeconds }: TableSchema, ttlSeconds: number): Promise<void> {
    const parameters = {
      tableMeta: {
        tableName: table.name,
        primaryKey: key.map(({ name, type }, i) =>
          isAutoIncrement && i === key.length - 1 ? { name, type, option: 'AUTO_INCREMENT' } : { name, type },
        ),
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: ttlSeconds, maxVersions: 1, maxTimeDeviation: deviationSeconds },
    };
    await this.retry(async (call) => {
      try {
        await this.#requests.transport.send('createTable', parameters, call);
      } catch (error) {
        if (requestError(error).failure !== 'exists') throw error;
      }
    });
    // A table answers reads only once it is ready.
    const [from, to] = [table.key.map((): KeyPart => MIN), table.key.map((): KeyPart => MAX)];
    const anyRow = { table, from, to, limit: 1 };
    await this.retry((call) => this.#requests.range(anyRow, call));
  }

  /** -1: for ever. */
  async setTtl({ name }: Table, ttlSeconds: number): Promise<void> {
    const parameters = { tableName: name, tableOptions: { timeToLive: ttlSeconds, maxVersions: 1 } };
    await this.retry((call) => this.#requests.transport.send('updateTable', parameters, call));
  }
}

const TYPES: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BINARY' };

function checkKeyColumns({ table, key, isAutoIncrement }: TableSchema, { tableMeta }: SdkTable): void {
  const show = (columns: readonly (KeyColumn & { auto: boolean })[]) =>
    columns.map(({ name, type, auto }) => `${name} ${type}${auto ? ' AUTO_INCREMENT' : ''}`).join(', ');
  const expected = show(key.map((column, i) => ({ ...column, auto: isAutoIncrement && i === key.length - 1 })));
  const actual = show(
    tableMeta.primaryKey.map((column) => ({
      name: column.name,
      type: TYPES[column.type] as KeyColumn['type'],
      // An absent option reads as 1, the default of its protobuf field.
      auto: Object.hasOwn(column, 'option') && column.option === 1,
    })),
  );
  if (actual === expected) return;
  const problem = `and layout do not fit table ${table.name}: its key columns are ${actual}, not ${expected}`;
  throw invalidArgument('sequence', problem);
}
