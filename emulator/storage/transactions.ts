import { randomUUID } from 'node:crypto';
import { noSuchSession, parameterInvalid, ServiceError } from '../errors.js';
import { type Address, addressOf, type KeyCell } from '../values.js';
import { Overlay } from './overlay.js';
import type { Table } from './table.js';

const LIFETIME_MS = 60_000;
const MAX_DATA = 4 * 1024 * 1024;

/** A local transaction: the lock of one partition key, and its pending writes. */
export class Transaction {
  readonly id = randomUUID();
  readonly view: Overlay;
  readonly #expiresAt: number;
  #size = 0;

  constructor(
    readonly table: Table,
    readonly partition: string,
    now: number,
  ) {
    this.view = new Overlay(table);
    this.#expiresAt = now + LIFETIME_MS;
  }

  isExpired(now: number): boolean {
    return now >= this.#expiresAt;
  }

  /** @throws ServiceError for a row of another table or partition key */
  assertCovers(table: Table, address: Address): void {
    if (table !== this.table || address.partition !== this.partition) {
      throw new ServiceError(400, 'OTSDataOutOfRange', 'Data out of scope of transaction.');
    }
  }

  addSize(bytes: number): void {
    this.#size += bytes;
    if (this.#size > MAX_DATA) {
      throw new ServiceError(
        400,
        'OTSOutOfTransactionDataSizeLimit',
        'The total data size of the transaction exceeds the limit.',
      );
    }
  }
}

/** Open transactions. An expired one ends when it or its lock is next used. */
export class Transactions {
  readonly #active = new Map<string, Transaction>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws ServiceError if another transaction holds the key */
  start(table: Table, key: readonly KeyCell[]): Transaction {
    const { partition } = addressOf(key);
    if (this.isLocked(table, partition)) {
      throw new ServiceError(409, 'OTSRowOperationConflict', `Failed to lock txn key: ${key[0]?.value.value}`);
    }
    const transaction = new Transaction(table, partition, this.#now());
    table.partition(partition).lockedBy = transaction.id;
    this.#active.set(transaction.id, transaction);
    return transaction;
  }

  /** @throws ServiceError if the transaction never existed or has ended */
  get(id: string): Transaction {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw parameterInvalid('TransactionID is invalid.');
    const transaction = this.#active.get(id);
    if (transaction?.isExpired(this.#now())) this.end(transaction);
    if (transaction === undefined || !this.#active.has(id)) throw noSuchSession();
    return transaction;
  }

  end(transaction: Transaction): void {
    transaction.table.partition(transaction.partition).lockedBy = undefined;
    this.#active.delete(transaction.id);
  }

  isLocked(table: Table, partitionKey: string): boolean {
    const { lockedBy } = table.partition(partitionKey);
    const holder = lockedBy === undefined ? undefined : this.#active.get(lockedBy);
    if (holder?.isExpired(this.#now())) this.end(holder);
    return holder !== undefined && this.#active.has(holder.id);
  }
}
