import { parameterInvalid } from '../errors.js';
import { type Address, addressOf, type KeyCell } from '../values.js';
import { AUTO_INCREMENT, type CreateTableRequest } from '../wire/messages-table.js';
import type { Message } from '../wire/protobuf.js';
import { liveRow, type Row } from './row.js';
import { SortedMap } from './sorted-map.js';

export type TableDefinition = Message<typeof CreateTableRequest>;

export interface Options {
  /** Seconds; −1 for ever. */
  readonly timeToLive: number;
  readonly maxVersions: number;
  readonly deviation: bigint;
  readonly allowUpdate: boolean;
}

/** Reads and writes of one consistent state: a table itself, or a transaction's view of it. */
export interface RowView {
  get(address: Address): Row | undefined;
  set(row: Row): void;
  delete(row: Row): void;
  /** Forward or backward from `start`, inclusive, to `end`, exclusive. */
  scan(start: Address, end: Address, backward: boolean): Iterable<Row>;
}

/** All rows of one partition key: the unit of consistency, of auto-increment ids, and of locks. */
export interface Partition {
  readonly rows: SortedMap<Row>;
  lastId: bigint;
  /** The transaction that holds it. */
  lockedBy: string | undefined;
}

export type RowChange = { readonly before: Row | undefined; readonly after: Row | undefined };

export class Table implements RowView {
  readonly #partitions = new SortedMap<Partition>();
  readonly #onChange: (change: RowChange) => void;
  readonly autoIncrement: string | undefined;

  constructor(
    readonly definition: TableDefinition,
    readonly createdAt: number,
    onChange: (table: Table, change: RowChange) => void,
  ) {
    this.#onChange = (change) => onChange(this, change);
    this.autoIncrement = definition.tableMeta.primaryKey.find(({ option }) => option === AUTO_INCREMENT)?.name;
  }

  get name(): string {
    return this.definition.tableMeta.tableName;
  }

  get options(): Options {
    const { timeToLive = -1, maxVersions = 1, deviation = 86_400n, allowUpdate = true } = this.definition.tableOptions ?? {};
    return { timeToLive, maxVersions, deviation, allowUpdate };
  }

  /** Versions older than this have expired; undefined if none ever does. */
  oldestLive(now: number): bigint | undefined {
    const { timeToLive } = this.options;
    return timeToLive === -1 ? undefined : BigInt(now) - BigInt(timeToLive) * 1000n;
  }

  get(address: Address): Row | undefined {
    return this.#partitions.get(address.partition)?.rows.get(address.row);
  }

  set(row: Row): void {
    const { rows } = this.partition(row.address.partition);
    const before = rows.get(row.address.row);
    rows.set(row.address.row, row);
    this.#onChange({ before, after: row });
  }

  delete(row: Row): void {
    this.partition(row.address.partition).rows.delete(row.address.row);
    this.#onChange({ before: row, after: undefined });
  }

  *scan(start: Address, end: Address, backward: boolean): Generator<Row> {
    const [low, high] = backward ? [end, start] : [start, end];
    const names = this.#partitions.range(backward ? high.partition : low.partition, undefined, backward);
    for (const [name, { rows }] of names) {
      if (backward ? name < low.partition : name > high.partition) return;
      const from = name === start.partition ? start.row : undefined;
      const to = name === end.partition ? end.row : undefined;
      for (const [, row] of rows.range(from, to, backward)) yield row;
    }
  }

  *all(): Generator<Row> {
    for (const { rows } of this.#partitions.values()) yield* rows.values();
  }

  expire(now: number): void {
    const oldest = this.oldestLive(now);
    if (oldest === undefined) return;
    for (const row of [...this.all()]) if (!liveRow(row, oldest)) this.delete(row);
  }

  partitions(): Iterable<[key: string, partition: Partition]> {
    return this.#partitions.range(undefined, undefined);
  }

  partition(key: string): Partition {
    const existing = this.#partitions.get(key);
    if (existing) return existing;
    const made: Partition = { rows: new SortedMap(), lastId: 0n, lockedBy: undefined };
    this.#partitions.set(key, made);
    return made;
  }

  /** Remembers an id that was given out, so that it is never given again. */
  noteId(primaryKey: readonly KeyCell[]): void {
    const id = primaryKey.find(({ name }) => name === this.autoIncrement)?.value;
    if (id?.type !== 'INTEGER') return;
    const partition = this.partition(addressOf(primaryKey).partition);
    if (id.value > partition.lastId) partition.lastId = id.value;
  }

  /** @throws ServiceError if UpdateRow is forbidden */
  assertUpdatable(): void {
    if (!this.options.allowUpdate) throw parameterInvalid(`Table ${this.name} does not allow update row.`);
  }
}
