import type { BetterSqlite3Database, SqliteStatement } from './file/client.js';

/** What is known of one Timeline, physically: expiry is the reader's affair. */
export interface Head {
  readonly id: number;
  /** Entries up to it are gone for every reader. */
  floor: bigint;
  /** The oldest row above the floor, if there is one, and its time. */
  first: bigint | undefined;
  firstAt: number;
  /** Never falls. */
  last: bigint;
  lastAt: number;
}

const CHUNK = 64;
/** Heads remembered per library: some 10 MB. Beyond it the memory starts anew. */
const MOST = 50_000;

/** `'<seq> <at>'` in one value: a second subquery would search a second time. */
const row = (where: string, order: string) =>
  `(SELECT seq || ' ' || at FROM timeline_entries WHERE timeline = t.id ${where} ORDER BY seq ${order} LIMIT 1)`;
const SELECT = `SELECT t.id, t.floor, t.floor_at, ${row('AND seq > t.floor', 'ASC')}, ${row('', 'DESC')}`;

/**
 * The heads of one library's Timelines, remembered between transactions. The connection clears it whenever anyone else
 * may have changed the file, so that what it holds is what SQLite would answer: inside a transaction only.
 */
export class HeadMemory {
  private readonly known = new Map<string, Head | undefined>();
  private readonly one: SqliteStatement;
  private readonly many: SqliteStatement;

  constructor(
    database: BetterSqlite3Database,
    private readonly library: number,
  ) {
    this.one = database
      .prepare(`${SELECT} FROM timeline_timelines t WHERE t.library = ? AND t.name = ?`)
      .raw()
      .safeIntegers();
    const names = Array(CHUNK).fill('(?)').join();
    this.many = database
      .prepare(
        `WITH n (name) AS (VALUES ${names}) ${SELECT} FROM n LEFT JOIN timeline_timelines t ON t.library = ? AND t.name = n.name`,
      )
      .raw()
      .safeIntegers();
  }

  /** `undefined`: nothing was ever appended. */
  get(name: string): Head | undefined {
    const head = this.known.get(name);
    return head || this.known.has(name) ? head : this.set(name, toHead(this.one.get(this.library, name)));
  }

  getAll(names: readonly string[]): (Head | undefined)[] {
    const missing = names.filter((name) => !this.known.has(name));
    if (missing.length < CHUNK / 8) return names.map((name) => this.get(name));
    const found = new Map<string, Head | undefined>();
    for (let start = 0; start < missing.length; start += CHUNK) {
      const chunk: (string | null)[] = missing.slice(start, start + CHUNK);
      while (chunk.length < CHUNK) chunk.push(null);
      const rows = this.many.all(...chunk, this.library);
      for (let i = 0; i < CHUNK && start + i < missing.length; i++) found.set(missing[start + i]!, toHead(rows[i]));
    }
    const heads = names.map((name) => this.known.get(name) ?? found.get(name));
    for (const [name, head] of found) this.set(name, head);
    return heads;
  }

  set(name: string, head: Head | undefined): Head | undefined {
    if (this.known.size >= MOST) this.known.clear();
    this.known.set(name, head);
    return head;
  }

  forget(name: string): void {
    this.known.delete(name);
  }

  clear(): void {
    this.known.clear();
  }
}

type HeadRow = [id: bigint | null, floor: bigint, floorAt: bigint, first: string | null, last: string | null];

function toHead(found: unknown): Head | undefined {
  if (!found) return undefined;
  const [id, floor, floorAt, oldest, newest] = found as HeadRow;
  if (id === null) return undefined;
  const [first, firstAt] = oldest?.split(' ') ?? [];
  const [last, lastAt] = newest?.split(' ') ?? [];
  const atFloor = last === undefined || BigInt(last) < floor;
  return {
    id: Number(id),
    floor,
    first: first === undefined ? undefined : BigInt(first),
    firstAt: Number(firstAt ?? 0),
    last: atFloor ? floor : BigInt(last),
    lastAt: Number(atFloor ? floorAt : lastAt),
  };
}
