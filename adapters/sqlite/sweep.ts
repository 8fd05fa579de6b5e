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

type TimelineRow = [name: string, id: bigint, floor: bigint, oldest: bigint | null, oldestAt: bigint | null];

/**
 * Removes physically what no reader gets any more: rows below the floor, expired entries, keys beyond their window.
 * It walks the Timelines of its library round and round in short transactions, by timers that keep no process alive.
 */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private closed = false;
  private hurried = false;
  private afterName = '';
  private oldestKept = Number.POSITIVE_INFINITY;
  private nextKeyPass = 0;
  private readonly connection: Connection;
  private readonly timelines;
  private readonly keys: KeySweep;

  constructor(
    private readonly library: LibraryContext,
    private readonly sweepMs: number,
  ) {
    this.connection = library.connection;
    const { database } = this.connection;
    const oldest = (column: string) => `(SELECT ${column} FROM timeline_entries WHERE timeline = t.id ORDER BY seq LIMIT 1)`;
    this.timelines = database
      .prepare(
        `SELECT name, id, floor, ${oldest('seq')}, ${oldest('at')} FROM timeline_timelines t
         WHERE library = ? AND name > ? ORDER BY name LIMIT ${PER_STEP}`,
      )
      .raw()
      .safeIntegers();
    this.keys = new KeySweep(database, library.id);
  }

  start(): void {
    this.schedule(this.sweepMs);
  }

  /** There is something to remove: begin soon, and do not rest before a whole pass has found nothing. */
  hurry(): void {
    this.hurried = true;
    if (!this.running) this.schedule(0);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.running = this.step()
        .catch(() => this.sweepMs)
        .then((rest) => {
          this.running = undefined;
          this.schedule(rest);
        });
    }, delay).unref();
  }

  /** One transaction of work; resolves with the milliseconds until the next. A failure (locked, full) waits for the next time. */
  private async step(): Promise<number> {
    if (!this.connection.database.open) return LONGEST_REST_MS;
    const now = this.library.now();
    if (this.nextKeyPass <= now) {
      if (await this.connection.write(() => this.keys.step(now - this.library.keyWindowMs, performance.now() + STEP_MS)))
        this.nextKeyPass = now + this.betweenKeyPasses();
      return BETWEEN_STEPS_MS;
    }
    const ended = await this.connection.write(() => this.sweepTimelines());
    if (!ended) return BETWEEN_STEPS_MS;
    if (this.hurried) {
      this.hurried = false;
      return BETWEEN_STEPS_MS;
    }
    const untilExpiry = Math.min(this.oldestKept, now) + (this.library.options.ttlMs ?? LONGEST_REST_MS) - now;
    this.oldestKept = Number.POSITIVE_INFINITY;
    const untilKeys = this.nextKeyPass - now;
    return Math.max(this.sweepMs, Math.min(untilExpiry, untilKeys, LONGEST_REST_MS));
  }

  /** True at the end of a pass. */
  private sweepTimelines(): boolean {
    const { id: library, reader, removal, heads } = this.library;
    const cutoff = this.library.cutoff();
    const until = performance.now() + STEP_MS;
    let room = MOST_REMOVED;
    const rows = this.timelines.all(library, this.afterName) as TimelineRow[];
    for (const [name, id, floor, oldest, oldestAt] of rows) {
      if (oldest !== null && oldestAt !== null) {
        if (Number(oldestAt) <= cutoff && oldest > floor) {
          removal.raiseFloor(name, Number(id), reader.liveFloor(heads.get(name)!, cutoff));
        }
        const through = heads.get(name)!.floor;
        if (oldest <= through) {
          const removed = removal.removeThrough(Number(id), through, room);
          heads.forget(name);
          this.hurried = true;
          room -= removed;
          if (room <= 0) return false;
        } else this.oldestKept = Math.min(this.oldestKept, Number(oldestAt));
      }
      this.afterName = name;
      if (performance.now() > until) return false;
    }
    if (rows.length === PER_STEP) return false;
    this.afterName = '';
    return true;
  }

  private betweenKeyPasses(): number {
    return Math.min(Math.max(this.library.keyWindowMs / 8, this.sweepMs), 3_600_000);
  }
}
