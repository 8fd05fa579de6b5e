import { cutoff, Sweeper } from '../../src/toolkit/index.js';
import type { Connection } from './connection.js';
import type { LibraryContext } from './library.js';
import { MOST_REMOVED } from './removal.js';
import { KeySweep } from './sweep-keys.js';

/** Timelines looked at per transaction. */
const PER_STEP = 100;
const STEP_MS = 3;
/** Pause between the steps of a pass, so that writers and readers come first. */
const BETWEEN_STEPS_MS = 10;
/** Nothing can expire sooner than a TTL from now; but other processes trim, and clocks are set. */
const LONGEST_REST_MS = 60_000;
/** How soon a process that rests hears of settings that another has altered. */
const LOOK_MS = 5000;
/** Passes over the keys, at least. */
const LONGEST_KEY_REST_MS = 3_600_000;

type TimelineRow = [
  name: string,
  id: bigint,
  floor: bigint,
  healTo: bigint | null,
  oldest: bigint | null,
  oldestAt: bigint | null,
  newest: bigint | null,
  newestAt: bigint | null,
];

/**
 * Removes physically what no reader gets any more: rows below the floor, expired entries, keys beyond their window; and sets
 * times right that a wrong clock has given. It walks the Timelines of its library round and round in short transactions, by
 * timers that keep no process alive. A readonly library has its settings followed, and nothing else.
 */
export class LibrarySweeper {
  readonly #library: LibraryContext;
  readonly #connection: Connection;
  readonly #sweepMs: number;
  readonly #timelines;
  readonly #keys: KeySweep;
  readonly #sweeper: Sweeper;
  /** A whole pass has to find nothing before there is a rest. */
  #isHurried = false;
  #afterName = '';
  #oldestKept = Number.POSITIVE_INFINITY;
  #restsUntil = 0;
  #nextKeyPass = 0;
  #version = '';

  constructor(library: LibraryContext, sweepMs: number) {
    this.#library = library;
    this.#connection = library.connection;
    this.#sweepMs = sweepMs;
    const { database } = this.#connection;
    const end = (column: string, order: string) =>
      `(SELECT ${column} FROM timeline_entries WHERE timeline = t.id ORDER BY seq ${order} LIMIT 1)`;
    const ends = ['ASC', 'DESC'].flatMap((order) => [end('seq', order), end('at', order)]);
    this.#timelines = database
      .prepare(
        `SELECT name, id, floor, heal_to, ${ends.join()} FROM timeline_timelines t
         WHERE library = ? AND name > ? ORDER BY name LIMIT ${PER_STEP}`,
      )
      .raw()
      .safeIntegers();
    this.#keys = new KeySweep(database, library.id, library.state.clock);
    this.#sweeper = new Sweeper({ step: () => this.#step(), retryMs: sweepMs });
  }

  start(): void {
    this.#sweeper.start(this.#sweepMs);
  }

  /** There is something to remove: begin soon, and do not rest before a whole pass has found nothing. */
  hurry(): void {
    this.#isHurried = true;
    this.#sweeper.hurry();
  }

  close(): Promise<void> {
    return this.#sweeper.close();
  }

  /** One transaction of work; resolves with the milliseconds until the next. A failure (locked, full) waits for the next time. */
  async #step(): Promise<number> {
    const { database } = this.#connection;
    if (!database.open || this.#connection.isGone()) return LONGEST_REST_MS;
    const now = performance.now();
    const isIdle = !this.#isHurried && this.#afterName === '' && now < this.#restsUntil && !this.#hasExpired();
    if (database.readonly || isIdle) return (await this.#follow()) ? BETWEEN_STEPS_MS : this.#pause(now);
    if (this.#nextKeyPass <= now) {
      if (await this.#remove(() => this.#sweepKeys())) this.#nextKeyPass = now + this.#betweenKeyPasses();
      return BETWEEN_STEPS_MS;
    }
    if (!(await this.#remove(() => this.#sweepTimelines()))) return BETWEEN_STEPS_MS;
    if (this.#isHurried) {
      this.#isHurried = false;
      return BETWEEN_STEPS_MS;
    }
    this.#restsUntil = now + Math.min(this.#nextKeyPass - now, LONGEST_REST_MS);
    return this.#pause(now);
  }

  #pause(now: number): number {
    const { database } = this.#connection;
    if (database.readonly) return LOOK_MS;
    const { state } = this.#library;
    const untilExpiry = this.#oldestKept + state.ttlMs - state.clock.expiryTime();
    return Math.max(this.#sweepMs, Math.min(untilExpiry, this.#restsUntil - now, LOOK_MS));
  }

  #hasExpired(): boolean {
    return this.#oldestKept <= this.#library.state.cutoff();
  }

  /**
   * Once, and only by what stands in the file at that moment: whoever holds the lock is not waited for, as those who
   * append would have to wait too.
   */
  #remove(run: () => boolean): Promise<boolean> {
    return this.#connection.write({ deadline: 0 }, () => {
      this.#library.state.refreshAndKeep();
      return run();
    });
  }

  /** True if settings were altered meanwhile, which may make work. */
  async #follow(): Promise<boolean> {
    const version = this.#connection.fileVersion();
    if (version === this.#version) return false;
    this.#version = version;
    const { state } = this.#library;
    const before = state.ttlMs;
    await this.#connection.read({ deadline: 0 }, () => state.refresh());
    if (state.ttlMs === before) return false;
    this.#restsUntil = 0;
    return true;
  }

  /** True at the end of a pass. */
  #sweepTimelines(): boolean {
    const { state } = this.#library;
    // Whatever comes during the pass is no older.
    if (this.#afterName === '') this.#oldestKept = state.clock.expiryTime();
    const cutoff = state.cutoff();
    const until = performance.now() + STEP_MS;
    const room = { left: MOST_REMOVED };
    const rows = this.#timelines.all(this.#library.id, this.#afterName) as TimelineRow[];
    for (const row of rows) {
      this.#heal(row);
      this.#removeOld(row, cutoff, room);
      if (room.left <= 0) return false;
      this.#afterName = row[0];
      if (performance.now() > until) return false;
    }
    if (rows.length === PER_STEP) return false;
    this.#afterName = '';
    return true;
  }

  #heal([name, id, , healTo, , , newest, newestAt]: TimelineRow): void {
    const { healing, state } = this.#library;
    const through = newestAt !== null && state.clock.isFuture(Number(newestAt)) ? newest : healTo;
    if (through === null) return;
    healing.step(name, Number(id), through);
    this.#isHurried = true;
  }

  #removeOld([name, id, floor, , oldest, oldestAt]: TimelineRow, cutoff: number, room: { left: number }): void {
    const { reader, removal, heads } = this.#library;
    if (oldest === null || oldestAt === null) return;
    if (Number(oldestAt) <= cutoff && oldest > floor) {
      removal.raiseFloor(name, Number(id), reader.liveFloor(heads.get(name)!, cutoff));
    }
    const through = heads.get(name)!.floor;
    if (oldest > through) {
      this.#oldestKept = Math.min(this.#oldestKept, Number(oldestAt));
      return;
    }
    room.left -= removal.removeThrough(Number(id), through, room.left);
    heads.forget(name);
    this.#isHurried = true;
  }

  /** True at the end of a pass. */
  #sweepKeys(): boolean {
    const { clock, keyWindowMs } = this.#library.state;
    if (keyWindowMs === Number.POSITIVE_INFINITY) return true;
    return this.#keys.step(cutoff(clock.expiryTime(), keyWindowMs), performance.now() + STEP_MS);
  }

  #betweenKeyPasses(): number {
    return Math.min(Math.max(this.#library.state.keyWindowMs / 8, this.#sweepMs), LONGEST_KEY_REST_MS);
  }
}
