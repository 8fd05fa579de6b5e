import type { Call } from '../../../src/adapter.js';
import { jitter, Sweeper } from '../../../src/toolkit/index.js';
import { type KeyPart, MAX, MIN, type StoredRecord, type Table } from '../service/values.js';
import type { LibraryBase } from '../tables/open.js';
import { isLifeRecord, type LifeRecords, parseStorageName } from './life-records.js';

/** Of rows in the meta table, in the partition of the library's record: the storage name of a life follows. */
const PREFIX = 'ended:';
const BEHIND_PREFIX = 'ended;';
/** Rows removed by one step. */
const PER_STEP = 1000;
/** Pause between looks for lives that a process has left when it died. */
const IDLE_MS = 3_600_000;

/**
 * Removes the rows of lives that have ended. A life is noted before it ends, and removed once every call has ended that
 * began before it did: readers never find a part of it. A process that dies leaves its notes to the others.
 */
export class EndedLives {
  readonly #base: LibraryBase;
  readonly #records: LifeRecords;
  readonly #graceMs: number;
  /** When this process has seen each note first, by storage name. */
  readonly #seenAt = new Map<string, number>();
  readonly #sweeper: Sweeper;

  constructor(base: LibraryBase, records: LifeRecords) {
    this.#base = base;
    this.#records = records;
    this.#graceMs = Math.ceil(1.2 * base.settings.timeoutMs) + 500;
    this.#sweeper = new Sweeper({ step: () => this.#step(), retryMs: this.#graceMs });
    this.#sweeper.start(this.#graceMs);
    base.record.onReplaced(() => this.#seenAt.clear());
  }

  /** Call before a life ends. */
  async note(storage: string, call: Call): Promise<void> {
    const put = [{ name: 'at', value: BigInt(this.#base.clock.expiryTime()) }];
    await this.#base.requests.writeRepeatable([{ ...this.#row(storage), type: 'PUT', put }], call);
  }

  /** Call once it has ended. */
  removeLater(storage: string): void {
    this.#seenAt.set(storage, performance.now());
    this.#sweeper.start(this.#graceMs);
  }

  close(): Promise<void> {
    return this.#sweeper.close();
  }

  #row(storage: string): { readonly table: Table; readonly key: readonly KeyPart[] } {
    return { table: this.#base.tables.meta, key: ['', `${PREFIX}${storage}`] };
  }

  async #step(): Promise<number> {
    const { requests, tables } = this.#base;
    const call = requests.transport.newCall();
    const range = { table: tables.meta, from: ['', PREFIX], to: ['', BEHIND_PREFIX], limit: 100, columns: ['at'] };
    const { rows } = await requests.range(range, call);
    const now = performance.now();
    let nextMs = jitter(IDLE_MS);
    for (const { key } of rows) {
      const storage = (key[1] as string).slice(PREFIX.length);
      const seenAt = this.#seenAt.get(storage) ?? now;
      this.#seenAt.set(storage, seenAt);
      const waitMs = seenAt + this.#graceMs - now;
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else if (this.#sweeper.isClosed || !(await this.#remove(storage))) return 0;
    }
    return nextMs;
  }

  /** Resolves with false if there is more to remove. */
  async #remove(storage: string): Promise<boolean> {
    const { requests, tables } = this.#base;
    const call = requests.transport.newCall();
    const { timeline, life } = parseStorageName(storage);
    const present = (await this.#records.read([timeline], call)).get(timeline);
    // A note of the present life is of a drop that never happened.
    if (present !== life) {
      for (const table of [tables.entries, tables.keys, tables.meta])
        if (table && !(await this.#removeRows(table, storage, call))) return false;
    }
    await requests.writeRepeatable([{ ...this.#row(storage), type: 'DELETE' }], call);
    this.#seenAt.delete(storage);
    return true;
  }

  async #removeRows(table: Table, storage: string, call: Call): Promise<boolean> {
    const { requests, tables, layout } = this.#base;
    const columns = table === tables.entries ? layout.headColumns : undefined;
    const from: readonly KeyPart[] = [storage, MIN];
    const to: readonly KeyPart[] = [storage, MAX];
    const range = { table, from, to, limit: PER_STEP, columns };
    const { rows, next } = await requests.range(range, call);
    const isPart = (row: StoredRecord) => table !== tables.meta || !isLifeRecord(row);
    const deletions = rows.filter(isPart).map(({ key }) => ({ table, key, type: 'DELETE' }) as const);
    await requests.writeRepeatable(deletions, call);
    return next === undefined;
  }
}
