import type { Call, LibraryClock, LibraryOptions } from '../../../src/adapter.js';
import { invalidArgument } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { type Reconciled, reconcileSettings } from '../../../src/settings.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Layout } from '../layouts/layout.js';
import type { Settings } from '../options.js';
import type { SdkTable } from '../service/client.js';
import { causeOf, requestError, toTimelineError } from '../service/errors.js';
import { DeferredWrites, type Requests, type RowWrite } from '../service/requests.js';
import { type ColumnTest, type KeyPart, MAX, MIN, type Table } from '../service/values.js';
import { LibraryRecord, newEpoch, RECORD_KEY, type RecordColumns, readRecord } from './library-record.js';
import { entrySeconds, keySeconds, type TableSchema, type Tables, tablesOf, ttlMsOf } from './schema.js';

/** Version of the stored form; that of version 0.1 was 1. */
const FORMAT = 2;
const DAY_MS = 86_400_000;

/** The tables of an open library and the settings that they were opened with. */
export interface LibraryBase {
  readonly requests: Requests;
  readonly tables: Tables;
  readonly record: LibraryRecord;
  readonly deferred: DeferredWrites;
  readonly options: LibraryOptions;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly clock: LibraryClock;
  /** Ids are dense and rows may hold several entries: `cas`. */
  readonly isDense: boolean;
  /** Each Timeline may have a life record. */
  readonly canDrop: boolean;
}

export interface OpenedTables {
  readonly base: LibraryBase;
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
  readonly #tables: Tables;

  constructor(requests: Requests, options: LibraryOptions, settings: Settings) {
    this.#requests = requests;
    this.#options = options;
    this.#settings = settings;
    this.#admin = new TableAdmin(requests, settings.timeoutMs);
    this.#tables = tablesOf(options.name, settings.sequence, settings.layout);
  }

  async run(): Promise<OpenedTables> {
    const [requests, options, settings, tables] = [this.#requests, this.#options, this.#settings, this.#tables];
    const { clock } = options;
    const { layout } = settings;
    const { entries, meta, keys } = tables;
    const [entriesFound, metaFound, keysFound] = await Promise.all(
      [entries, meta, keys].map((table) => table && this.#admin.describe(table)),
    );
    if (!metaFound) await this.#admin.create(meta, -1);
    const clockReadAt = performance.now();
    const columns = await this.#agreeOnRecord(entriesFound);
    const record = new LibraryRecord({ requests, meta, library: options.name, clock }, columns, clockReadAt);
    if (keys) await this.#ensureTable(keys, keysFound, keySeconds(record.settings));
    const seconds = entrySeconds(record.settings, layout);
    const isTtlDelayed = entriesFound?.tableOptions.timeToLive === -1 && seconds !== -1;
    // The table of entries is created last: whoever writes into it finds its epoch in the record.
    if (!isTtlDelayed) await this.#ensureTable(entries, entriesFound, seconds);
    if (columns.state === 'making') await this.#markAsMade(columns);
    const deferred = new DeferredWrites(requests, options.warn);
    record.onReplaced(() => deferred.clear());
    const isDense = settings.sequence === 'cas';
    const applyTtl = () => new TableAdmin(requests, settings.timeoutMs).setTtl(entries, seconds);
    return {
      base: {
        requests,
        tables,
        record,
        deferred,
        options,
        settings,
        layout,
        clock,
        isDense,
        canDrop: columns.drop === 'yes',
      },
      applyTtl: isTtlDelayed ? applyTtl : undefined,
    };
  }

  async #ensureTable(table: TableSchema, found: SdkTable | undefined, seconds: number): Promise<void> {
    if (!found) await this.#admin.create(table, seconds);
    else if (found.tableOptions.timeToLive !== seconds) await this.#admin.setTtl(table, seconds);
  }

  /**
   * Resolves with the record once it fits the options. Of several processes one writes it; the others read it again.
   */
  async #agreeOnRecord(entriesFound: SdkTable | undefined): Promise<RecordColumns> {
    const { clock } = this.#options;
    const { entries, meta } = this.#tables;
    for (let followed = clock.trustsNow ? undefined : clock; ; followed = undefined) {
      const record = await this.#admin.retry((call) => readRecord(this.#requests, meta, followed, call));
      const { text } = this.#reconcile(record, entriesFound);
      // Another process may have created the table since it was described.
      const isLost = record?.state === 'made' && !entriesFound && !(await this.#admin.describe(entries));
      if (record && !isLost && record.settings === text) return record;
      const state = entriesFound && !isLost ? 'made' : 'making';
      const epoch = record && !isLost ? record.epoch : newEpoch();
      const { layout, drop } = this.#settings;
      const next = { epoch, settings: text, layout: layout.name, drop: record?.drop ?? (drop ? 'yes' : ''), state };
      if (await this.#replaceRecord(record, next)) return next;
    }
  }

  #reconcile(record: RecordColumns | undefined, entries: SdkTable | undefined): Reconciled {
    const { layout, sequence, drop, keyWindowMs } = this.#settings;
    const { name, ttlMs, alter } = this.#options;
    if (record && record.layout !== layout.name) {
      const problem = `of ${name} is '${record.layout}' since its creation and cannot become '${layout.name}'`;
      throw invalidArgument('layout', problem);
    }
    if (record && drop !== undefined && drop !== (record.drop === 'yes')) {
      const problem = `of ${name} is ${!drop} since its creation and cannot become ${drop}`;
      throw invalidArgument('drop', problem);
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
  #replaceRecord(before: RecordColumns | undefined, next: RecordColumns): Promise<boolean> {
    const put = Object.entries(next).map(([name, value]) => ({ name, value: value as string }));
    const row = { table: this.#tables.meta, key: RECORD_KEY, type: 'PUT', put } as const;
    if (!before) return this.#write({ ...row, expect: 'missing' });
    const { epoch, settings, state } = before;
    return this.#write({ ...row, condition: [is('epoch', epoch), is('settings', settings), is('state', state)] });
  }

  async #markAsMade({ epoch }: RecordColumns): Promise<void> {
    const put = [{ name: 'state', value: 'made' }];
    await this.#write({
      table: this.#tables.meta,
      key: RECORD_KEY,
      type: 'UPDATE',
      put,
      condition: [is('epoch', epoch)],
    });
  }

  #write(row: RowWrite): Promise<boolean> {
    return this.#admin.retry((call) => this.#requests.writeIf(row, call));
  }
}

function is(column: keyof RecordColumns, value: string): ColumnTest {
  return { column, is: 'EQUAL', value };
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

  #send<Answer>(operation: 'describeTable' | 'createTable' | 'updateTable', parameters: object): Promise<Answer> {
    return this.retry((call) => this.#requests.transport.send<Answer>(operation, parameters, call));
  }

  /**
   * Resolves with `undefined` if the table does not exist.
   *
   * @throws `TIMELINE_INVALID_ARGUMENT` if it has other key columns.
   */
  async describe(table: TableSchema): Promise<SdkTable | undefined> {
    try {
      const found = await this.#send<SdkTable>('describeTable', { tableName: table.name });
      checkKeyColumns(table, found);
      return found;
    } catch (error) {
      if (requestError(error).failure === 'missing') return undefined;
      throw error;
    }
  }

  /** Resolves once the table can be used, also if another process creates it at the same time. */
  async create(table: TableSchema, ttlSeconds: number): Promise<void> {
    const { name: tableName, key, isAutoIncrement, deviationSeconds } = table;
    const parameters = {
      tableMeta: {
        tableName,
        primaryKey: key.map(({ name, type }, i) =>
          isAutoIncrement && i === key.length - 1 ? { name, type, option: 'AUTO_INCREMENT' } : { name, type },
        ),
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: ttlSeconds, maxVersions: 1, maxTimeDeviation: deviationSeconds },
    };
    try {
      await this.#send('createTable', parameters);
    } catch (error) {
      if (requestError(error).failure !== 'exists') throw error;
    }
    // A table answers reads only once it is ready.
    const [from, to] = [key.map((): KeyPart => MIN), key.map((): KeyPart => MAX)];
    await this.retry((call) => this.#requests.range({ table, from, to, limit: 1 }, call));
  }

  /** -1: for ever. */
  async setTtl({ name }: Table, ttlSeconds: number): Promise<void> {
    await this.#send('updateTable', { tableName: name, tableOptions: { timeToLive: ttlSeconds, maxVersions: 1 } });
  }
}

const TYPES: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BINARY' };

function checkKeyColumns({ name: tableName, key, isAutoIncrement }: TableSchema, { tableMeta }: SdkTable): void {
  const show = (name: string, type: string | undefined, isAuto: boolean) =>
    `${name} ${type}${isAuto ? ' AUTO_INCREMENT' : ''}`;
  const expected = key.map(({ name, type }, i) => show(name, type, isAutoIncrement && i === key.length - 1)).join(', ');
  const actual = tableMeta.primaryKey
    // An absent option reads as 1, the default of its protobuf field.
    .map((column) => show(column.name, TYPES[column.type], Object.hasOwn(column, 'option') && column.option === 1))
    .join(', ');
  if (actual === expected) return;
  const problem = `and layout do not fit table ${tableName}: its key columns are ${actual}, not ${expected}`;
  throw invalidArgument('sequence', problem);
}
