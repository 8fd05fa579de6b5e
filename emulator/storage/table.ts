import { parameterInvalid } from '../errors.js';
import type { Address } from '../values.js';
import { AUTO_INCREMENT, type CreateTableRequest } from '../wire/messages-table.js';
import type { Message } from '../wire/protobuf.js';
import { type PackedRow, packed } from './packed-row.js';
import { hasExpired, type StoredRow } from './row.js';
import { SortedMap } from './sorted-map.js';

export type TableDefinition = Message<typeof CreateTableRequest>;

export interface Options {
  /** Seconds; −1 for ever. */
  readonly timeToLive: number;
  readonly maxVersions: number;
  readonly deviation: bigint;
  readonly allowUpdate: boolean;
}

/** Reads and writes one consistent state: a table, or a transaction's view of it. */
export interface RowView {
  get(address: Address): StoredRow | undefined;
  set(row: StoredRow): void;
  delete(row: StoredRow): void;
  /** Yields rows forward or backward from `start`, inclusive, to `end`, exclusive. */
  scan(start: Address, end: Address, backward: boolean): Iterable<StoredRow>;
}

/** All rows of one partition key: the unit of consistency, auto-increment ids and locks. */
export interface Partition {
  readonly key: string;
  readonly rows: SortedMap<PackedRow>;
  lastId: bigint;
  /** Id of the transaction that holds the lock. */
  lockedBy: string | undefined;
}

export type RowChange = { readonly before: PackedRow | undefined; readonly after: PackedRow | undefined };

export class Table implements RowView {
  readonly #partitions = new SortedMap<Partition>();
  readonly #onChange: (change: RowChange) => void;
  readonly autoIncrement: string | undefined;
  /** Approximate bytes of its rows in the file. */
  recordedBytes = 0;

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
    const {
      timeToLive = -1,
      maxVersions = 1,
      deviation = 86_400n,
      allowUpdate = true,
    } = this.definition.tableOptions ?? {};
    return { timeToLive, maxVersions, deviation, allowUpdate };
  }

  /** Returns the time before which versions have expired; undefined without a TTL. */
  oldestLive(now: number): bigint | undefined {
    const { timeToLive } = this.options;
    return timeToLive === -1 ? undefined : BigInt(now) - BigInt(timeToLive) * 1000n;
  }

  get(address: Address): PackedRow | undefined {
    return this.#partitions.get(address.partition)?.rows.get(address.row);
  }

  set(row: StoredRow): void {
    const { key, rows } = this.partition(row.address.partition);
    const before = rows.get(row.address.row);
    const after = packed(row, key);
    rows.set(after.address.row, after);
    this.#onChange({ before, after });
  }

  delete({ address }: StoredRow): void {
    const { rows } = this.partition(address.partition);
    const before = rows.get(address.row);
    if (before === undefined) return;
    rows.delete(address.row);
    this.#onChange({ before, after: undefined });
  }

  *scan(start: Address, end: Address, backward: boolean): Generator<PackedRow> {
    const [low, high] = backward ? [end, start] : [start, end];
    const names = this.#partitions.range(backward ? high.partition : low.partition, undefined, backward);
    for (const [name, { rows }] of names) {
      if (backward ? name < low.partition : name > high.partition) return;
      const from = name === start.partition ? start.row : undefined;
      const to = name === end.partition ? end.row : undefined;
      for (const [, row] of rows.range(from, to, backward)) yield row;
    }
  }

  *all(): Generator<PackedRow> {
    for (const { rows } of this.#partitions.values()) yield* rows.values();
  }

  expire(now: number): void {
    const oldest = this.oldestLive(now);
    if (oldest === undefined) return;
    const expired = [];
    for (const row of this.all()) if (hasExpired(row, oldest)) expired.push(row);
    for (const row of expired) this.delete(row);
  }

  /** Returns up to `count` partitions above `key`, in order. */
  partitionsAfter(key: string | undefined, count: number): Partition[] {
    const found: Partition[] = [];
    for (const [name, partition] of this.#partitions.range(key, undefined)) {
      if (name === key) continue;
      if (found.length === count) break;
      found.push(partition);
    }
    return found;
  }

  partition(key: string): Partition {
    const existing = this.#partitions.get(key);
    if (existing) return existing;
    const made: Partition = { key, rows: new SortedMap(), lastId: 0n, lockedBy: undefined };
    this.#partitions.set(key, made);
    return made;
  }

  /** Records an assigned id, so that it is never assigned again. */
  recordId(partitionKey: string, id: bigint): void {
    const partition = this.partition(partitionKey);
    if (id > partition.lastId) partition.lastId = id;
  }

  /** @throws ServiceError if UpdateRow is forbidden */
  assertUpdatable(): void {
    if (!this.options.allowUpdate) throw parameterInvalid(`Table ${this.name} does not allow update row.`);
  }
}
