import { noSearchableTable, noSuchTable, tableExists, tableNotReady } from '../errors.js';
import { Faults } from '../faults.js';
import {
  type AutoIncrementOptions,
  type EmulatorOptions,
  type Limits,
  SERVICE_LIMITS,
  seededRandom,
} from '../options.js';
import { type SearchIndex, SearchIndexes } from '../search/indexes.js';
import { addressOf, type KeyCell } from '../values.js';
import { Journal } from './journal.js';
import {
  changeRecord,
  indexRecord,
  otherRecordsSize,
  restore,
  rowRecordSize,
  snapshot,
  tableRecord,
} from './records.js';
import { SecondaryIndexes } from './secondary-indexes.js';
import { type LockedFile, lockStorageFile } from './storage-file.js';
import { type RowChange, Table, type TableDefinition } from './table.js';
import { Transactions } from './transactions.js';

/** One instance of the service: its tables, indexes, transactions, and the file that stores them. */
export class Instance {
  readonly now: () => number;
  readonly random: () => number;
  readonly limits: Limits;
  readonly faults: Faults;
  readonly transactions: Transactions;
  readonly search: SearchIndexes;
  readonly secondary = new SecondaryIndexes();
  readonly tables = new Map<string, Table>();
  readonly #ids: Partial<AutoIncrementOptions>;
  #journal: Journal | undefined;
  #file: LockedFile | undefined;

  /** @throws EmulatorFileError if the file is foreign or in use */
  static async open(options: EmulatorOptions): Promise<Instance> {
    const instance = new Instance(options);
    if (options.file !== undefined) await instance.#openFile(options.file);
    return instance;
  }

  private constructor(readonly options: EmulatorOptions) {
    const { now = Date.now } = options;
    this.now = () => Math.floor(now());
    this.random = seededRandom(options.seed ?? 1);
    this.limits = { ...SERVICE_LIMITS, ...options.limits };
    this.faults = new Faults(this.random, options.faults ?? []);
    this.transactions = new Transactions(this.now);
    this.search = new SearchIndexes(this.now, options.searchLagMs ?? 100);
    this.#ids = options.autoIncrement ?? {};
  }

  async #openFile(path: string): Promise<void> {
    const file = await lockStorageFile(path);
    const contents = {
      snapshot: () => snapshot(this),
      rowBytes: () => [...this.tables.values()].reduce((sum, { recordedBytes }) => sum + recordedBytes, 0),
      otherBytes: () => otherRecordsSize(this),
    };
    try {
      this.#journal = await Journal.open(file.path, contents, (record) => restore(this, record));
    } catch (error) {
      await file.release();
      throw error;
    }
    this.#file = file;
    this.expire();
    this.#journal.compactIfWorthwhile(0);
  }

  /** Removes expired rows, which reads already hide. */
  expire(): void {
    for (const table of this.tables.values()) table.expire(this.now());
  }

  async close(): Promise<void> {
    await this.#journal?.close();
    await this.#file?.release();
  }

  /** Records the changes of `work` together: a restart sees all of them or none. */
  atomically(work: () => void): void {
    if (this.#journal) this.#journal.atomically(work);
    else work();
  }

  createTable(definition: TableDefinition): void {
    this.saveTable(this.addTable(definition, this.now()));
  }

  /** Records a changed definition. */
  saveTable(table: Table): void {
    this.#journal?.append(tableRecord(table));
  }

  dropTable(table: Table): void {
    this.removeTable(table);
    this.#journal?.append(['drop', table.name]);
  }

  saveIndex(index: SearchIndex): void {
    this.#journal?.append(indexRecord(index));
  }

  dropIndex(index: SearchIndex): void {
    const { indexName = '' } = index.definition;
    this.search.delete(index.table.name, indexName);
    this.#journal?.append(['unindex', index.table.name, indexName]);
  }

  // The methods up to `removeTable` change memory only.

  addTable(definition: TableDefinition, createdAt: number): Table {
    const table = new Table(definition, createdAt, (changed, change) => this.#onChange(changed, change));
    this.tables.set(table.name, table);
    for (const meta of definition.indexMetas) this.secondary.create(table, meta, true);
    return table;
  }

  redefine(table: Table, definition: TableDefinition): void {
    Object.assign(table.definition, definition);
    this.secondary.dropAll(table);
    for (const meta of definition.indexMetas) this.secondary.create(table, meta, true);
  }

  removeTable(table: Table): void {
    this.tables.delete(table.name);
    this.secondary.dropAll(table);
  }

  /** @throws ServiceError if there is no such table */
  table(name: string): Table {
    const table = this.tables.get(name);
    if (table === undefined) throw noSuchTable();
    return table;
  }

  /** @throws ServiceError if a table or secondary index has that name */
  assertNameIsFree(name: string): void {
    if (this.tables.has(name) || this.secondary.get(name)) throw tableExists();
  }

  isReady(table: Table): boolean {
    const { tableReadyAfterMs = 0 } = this.options;
    return tableReadyAfterMs === 0 || this.now() >= table.createdAt + tableReadyAfterMs;
  }

  tableToWrite(name: string): Table {
    return this.#ready(this.table(name));
  }

  /** Returns a table for search operations, which report a missing table with their own text. */
  tableToSearch(name: string): Table {
    const table = this.tables.get(name);
    if (table === undefined) throw noSearchableTable(name);
    return this.#ready(table);
  }

  /** Returns a table or a secondary index. */
  tableToRead(name: string): Table {
    const found = this.tables.get(name) ?? this.secondary.get(name);
    if (found) return this.#ready(found);
    throw this.options.missingTableOnRead === 'OTSParameterInvalid' ? noSearchableTable(name) : noSuchTable();
  }

  /** Returns the primary key with its placeholder, if any, replaced by the next id of its partition. */
  assignId(table: Table, primaryKey: readonly KeyCell[]): readonly KeyCell[] {
    if (!primaryKey.some(({ value }) => value.type === 'AUTO_INCREMENT')) return primaryKey;
    const partition = table.partition(addressOf(primaryKey).partition);
    const microseconds = () => BigInt(this.now()) * 1000n + BigInt(Math.floor(this.random() * 1000));
    const { from = microseconds(), maxGap = 8 } = this.#ids;
    const next = partition.lastId + 1n + BigInt(Math.floor(this.random() * (maxGap + 1)));
    partition.lastId = next > from ? next : from;
    const id = { type: 'INTEGER', value: partition.lastId } as const;
    return primaryKey.map((cell) => (cell.value.type === 'AUTO_INCREMENT' ? { ...cell, value: id } : cell));
  }

  /** Delays a write between its id and its visibility; returns undefined if both are one step. */
  delayCommit(): Promise<void> | undefined {
    const { maxCommitDelayMs = 0 } = this.#ids;
    if (maxCommitDelayMs === 0) return undefined;
    return new Promise((resolve) => setTimeout(resolve, this.random() * maxCommitDelayMs));
  }

  #ready(table: Table): Table {
    if (!this.isReady(table)) throw tableNotReady();
    return table;
  }

  #onChange(table: Table, change: RowChange): void {
    this.search.onChange(table, change);
    this.secondary.onChange(table, change);
    table.recordedBytes += rowRecordSize(table, change.after) - rowRecordSize(table, change.before);
    const record = this.#journal && changeRecord(table, change);
    if (record) this.#journal?.append(record);
  }
}
