import { cutoff, Sweeper } from '../../../src/toolkit/index.js';
import type { Connection } from '../file/connection.js';
import type { LibraryContext } from '../library-context.js';
import type { Reader } from '../read.js';
import { DroppedTimelines } from './dropped-timelines.js';
import { KeySweep } from './key-sweep.js';
import { MAX_REMOVED } from './removal.js';

/** Timelines visited per transaction. */
const PER_STEP = 100;
const STEP_MS = 3;
/** Pause between the steps of a pass: writers and readers come first. */
const BETWEEN_STEPS_MS = 10;
/** Nothing expires before the oldest entry's TTL has passed, but other processes trim, and clocks are set. */
const LONGEST_REST_MS = 60_000;
/** How soon a resting process learns of settings altered by another. */
const FOLLOW_MS = 5000;
/** The keys are visited at least this often. */
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
 * Removes rows that no reader gets any more: those of dropped Timelines and below the floor, expired entries, keys
 * older than their window.
 * Corrects entry times of the future. It visits the Timelines of its library again and again, in short transactions. Of
 * a readonly library it only follows the settings.
 */
export class LibrarySweeper {
  readonly #library: LibraryContext;
  readonly #reader: Reader;
  readonly #connection: Connection;
  readonly #sweepMs: number;
  readonly #timelines;
  readonly #keys: KeySweep;
  readonly #dropped: DroppedTimelines;
  readonly #sweeper: Sweeper;
  #isHurried = false;
  #afterName = '';
  #oldestKept = Number.POSITIVE_INFINITY;
  #restsUntil = 0;
  #nextKeyPass = 0;
  #version = '';

  constructor(library: LibraryContext, reader: Reader, sweepMs: number) {
    this.#library = library;
    this.#reader = reader;
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
    this.#dropped = new DroppedTimelines(database, library.id, library.removal);
    this.#sweeper = new Sweeper({ step: () => this.#step(), retryMs: sweepMs });
  }

  start(): void {
    this.#sweeper.start(this.#sweepMs);
  }

  /** Begins soon, and rests only after a whole pass has found nothing to remove. Call it after a trim or drop. */
  hurry(): void {
    this.#isHurried = true;
    this.#sweeper.hurry();
  }

  close(): Promise<void> {
    return this.#sweeper.close();
  }

  /** Runs one transaction; resolves with the milliseconds until the next step. */
  async #step(): Promise<number> {
    const { database } = this.#connection;
    if (!database.open || this.#connection.isGone()) return LONGEST_REST_MS;
    const now = performance.now();
    const isIdle = !this.#isHurried && this.#afterName === '' && now < this.#restsUntil && !this.#hasExpired();
    if (database.readonly || isIdle) return (await this.#follow()) ? BETWEEN_STEPS_MS : this.#restMs(now);
    if (this.#nextKeyPass <= now) {
      if (await this.#remove(() => this.#sweepKeys())) this.#nextKeyPass = now + this.#betweenKeyPasses();
      return BETWEEN_STEPS_MS;
    }
    if (!(await this.#remove(() => this.#dropped.step(performance.now() + STEP_MS) && this.#sweepTimelines())))
      return BETWEEN_STEPS_MS;
    if (this.#isHurried) {
      this.#isHurried = false;
      return BETWEEN_STEPS_MS;
    }
    this.#restsUntil = now + Math.min(this.#nextKeyPass - now, LONGEST_REST_MS);
    return this.#restMs(now);
  }

  #restMs(now: number): number {
    const { database } = this.#connection;
    if (database.readonly) return FOLLOW_MS;
    const { state } = this.#library;
    const untilExpiry = this.#oldestKept + state.ttlMs - state.clock.expiryTime();
    return Math.max(this.#sweepMs, Math.min(untilExpiry, this.#restsUntil - now, FOLLOW_MS));
  }

  #hasExpired(): boolean {
    return this.#oldestKept <= this.#library.state.cutoff();
  }

  /** Tries the lock once: while this waited for it, appends of this connection would wait too. */
  #remove(run: () => boolean): Promise<boolean> {
    return this.#connection.write({ deadline: 0 }, () => {
      this.#library.state.refreshAndKeep();
      return run();
    });
  }

  /** True if the TTL was altered meanwhile, so that there may be something to remove. */
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
    // Entries appended during the pass are no older.
    if (this.#afterName === '') this.#oldestKept = state.clock.expiryTime();
    const cutoff = state.cutoff();
    const until = performance.now() + STEP_MS;
    const room = { left: MAX_REMOVED };
    const rows = this.#timelines.all(this.#library.id, this.#afterName) as TimelineRow[];
    for (const row of rows) {
      this.#correctTimes(row);
      this.#removeHidden(row, cutoff, room);
      if (room.left <= 0) return false;
      this.#afterName = row[0];
      if (performance.now() > until) return false;
    }
    if (rows.length === PER_STEP) return false;
    this.#afterName = '';
    return true;
  }

  #correctTimes([name, id, , healTo, , , newest, newestAt]: TimelineRow): void {
    const { futureTimes, state } = this.#library;
    const through = newestAt !== null && state.clock.isFuture(Number(newestAt)) ? newest : healTo;
    if (through === null) return;
    futureTimes.correct(name, Number(id), through);
    this.#isHurried = true;
  }

  #removeHidden([name, id, floor, , oldest, oldestAt]: TimelineRow, cutoff: number, room: { left: number }): void {
    const { removal, heads } = this.#library;
    if (oldest === null || oldestAt === null) return;
    if (Number(oldestAt) <= cutoff && oldest > floor) {
      removal.raiseFloor(name, Number(id), this.#reader.hiddenThrough(heads.get(name)!, cutoff));
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
