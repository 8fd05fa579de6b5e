import type { BetterSqlite3Database, SqliteStatement } from './file/client.js';

/** One Timeline as its rows stand. Rows that have expired count until they are removed. */
export interface StoredHead {
  readonly id: number;
  /** Undefined: that of the file. */
  readonly epoch: string | undefined;
  /** Entries up to it were trimmed or have expired, and are gone for every reader. Their rows may still be there. */
  floor: bigint;
  /** The oldest row above the floor; `undefined` if there is none. */
  first: bigint | undefined;
  firstAt: number;
  /** Never falls. */
  last: bigint;
  lastAt: number;
}

const CHUNK = 64;
/** Heads cached per library: some 10 MB. One more empties the cache. */
const MAX_CACHED = 50_000;

/** `'<seq> <at>'` in one value: a second subquery would search a second time. */
const row = (where: string, order: string) =>
  `(SELECT seq || ' ' || at FROM timeline_entries WHERE timeline = t.id ${where} ORDER BY seq ${order} LIMIT 1)`;
const SELECT = `SELECT t.id, t.epoch, t.floor, t.floor_at, ${row('AND seq > t.floor', 'ASC')}, ${row('', 'DESC')}`;

/**
 * Caches the heads of one library's Timelines between transactions. Call it inside a transaction: when one begins, the
 * connection clears the cache if anyone else may have changed the file, so that it answers as SQLite would.
 */
export class HeadCache {
  readonly #library: number;
  readonly #cached = new Map<string, StoredHead | undefined>();
  readonly #one: SqliteStatement;
  readonly #many: SqliteStatement;

  constructor(database: BetterSqlite3Database, library: number) {
    this.#library = library;
    this.#one = database
      .prepare(`${SELECT} FROM timeline_timelines t WHERE t.library = ? AND t.name = ?`)
      .raw()
      .safeIntegers();
    const names = Array(CHUNK).fill('(?)').join();
    this.#many = database
      .prepare(
        `WITH n (name) AS (VALUES ${names}) ${SELECT} FROM n
         LEFT JOIN timeline_timelines t ON t.library = ? AND t.name = n.name`,
      )
      .raw()
      .safeIntegers();
  }

  /** `undefined`: nothing was ever appended. `last` is 0n: nothing since it was dropped. */
  get(name: string): StoredHead | undefined {
    const head = this.#cached.get(name);
    return head || this.#cached.has(name) ? head : this.set(name, toHead(this.#one.get(this.#library, name)));
  }

  getAll(names: readonly string[]): (StoredHead | undefined)[] {
    const missing = names.filter((name) => !this.#cached.has(name));
    if (missing.length < CHUNK / 8) return names.map((name) => this.get(name));
    const found = new Map<string, StoredHead | undefined>();
    for (let start = 0; start < missing.length; start += CHUNK) {
      const chunk: (string | null)[] = missing.slice(start, start + CHUNK);
      while (chunk.length < CHUNK) chunk.push(null);
      const rows = this.#many.all(...chunk, this.#library);
      for (let i = 0; i < CHUNK && start + i < missing.length; i++) found.set(missing[start + i]!, toHead(rows[i]));
    }
    const heads = names.map((name) => this.#cached.get(name) ?? found.get(name));
    for (const [name, head] of found) this.set(name, head);
    return heads;
  }

  set(name: string, head: StoredHead | undefined): StoredHead | undefined {
    if (this.#cached.size >= MAX_CACHED) this.#cached.clear();
    this.#cached.set(name, head);
    return head;
  }

  forget(name: string): void {
    this.#cached.delete(name);
  }

  clear(): void {
    this.#cached.clear();
  }
}

type HeadRow = [
  id: bigint | null,
  epoch: string | null,
  floor: bigint,
  floorAt: bigint,
  first: string | null,
  last: string | null,
];

function toHead(found: unknown): StoredHead | undefined {
  if (!found) return undefined;
  const [id, epoch, floor, floorAt, oldest, newest] = found as HeadRow;
  if (id === null) return undefined;
  const [first, firstAt] = oldest?.split(' ') ?? [];
  const [last, lastAt] = newest?.split(' ') ?? [];
  const atFloor = last === undefined || BigInt(last) < floor;
  return {
    id: Number(id),
    epoch: epoch ?? undefined,
    floor,
    first: first === undefined ? undefined : BigInt(first),
    firstAt: Number(firstAt ?? 0),
    last: atFloor ? floor : BigInt(last),
    lastAt: Number(atFloor ? floorAt : lastAt),
  };
}
