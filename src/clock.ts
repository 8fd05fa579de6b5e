import { randomBytes } from 'node:crypto';
import type { AdapterWarning } from './adapter.js';
import type { LibraryClock } from './library-clock.js';

/** Latest time of `Date`. */
const LATEST = 8.64e15;
/** A clock is steady if it drifts by at most this plus a thousandth of the elapsed time. */
const STEADY_MS = 1000;
const STEADY_RATE = 0.001;
/** Time that a clock must be steady before a larger step takes effect. */
const ENTRY_PATIENCE_MS = 60_000;
const EXPIRY_PATIENCE_MS = 3_600_000;

export interface ClockOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Largest difference between `now` and accepted time that takes effect at once; `Infinity` accepts any. */
  readonly toleranceMs: number;
  readonly warn: (warning: AdapterWarning) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly monotonic?: () => number;
}

/** Accepted time as an offset to monotonic time, and the time that a clock must be steady to move it by a step. */
interface Line {
  offset: number;
  readonly patienceMs: number;
}

/**
 * The time of one library. It advances with monotonic time and follows a reference, the store's clock or `now()`, while
 * that is near. A larger step takes effect once the reference has been steady: for a minute on the times of new
 * entries, for an hour on expiry and removal. The time stored with the data connects the processes: a process that
 * opens the library continues from it, and a different clock has no effect while the clock of another process agrees
 * with the data.
 */
export class AcceptedClock implements LibraryClock {
  readonly trustsNow: boolean;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #toleranceMs: number;
  readonly #warn: (warning: AdapterWarning) => void;
  readonly #writer = randomBytes(6).toString('base64url');
  readonly #entry: Line;
  readonly #expiry: Line;
  /** Offset of the store's clock, once known. */
  #followed: number | undefined;
  #reference: number;
  #steady: { readonly since: number; readonly offset: number };
  #isSkewed = false;
  #isRefused = false;
  #hasExchanged = false;

  constructor(options: ClockOptions) {
    const { now, toleranceMs, warn, monotonic = () => performance.now() } = options;
    this.#now = now;
    this.#monotonic = monotonic;
    this.#toleranceMs = toleranceMs;
    this.#warn = warn;
    this.trustsNow = toleranceMs === Number.POSITIVE_INFINITY;
    const since = monotonic();
    this.#reference = (readClock(now) ?? Date.now()) - since;
    this.#steady = { since, offset: this.#reference };
    this.#entry = { offset: this.#reference, patienceMs: ENTRY_PATIENCE_MS };
    this.#expiry = { offset: this.#reference, patienceMs: EXPIRY_PATIENCE_MS };
  }

  entryTime(lastAt = 0): number {
    const time = this.#timeOf(this.#entry);
    return lastAt <= time || this.isFuture(lastAt) ? time : lastAt;
  }

  expiryTime(): number {
    return this.#timeOf(this.#expiry);
  }

  isFuture(at: number): boolean {
    return at > this.latestTime();
  }

  latestTime(): number {
    return this.trustsNow ? LATEST : Math.max(this.entryTime(), this.expiryTime()) + this.#toleranceMs;
  }

  follow(storeTime: number): void {
    if (this.trustsNow || !isTime(storeTime)) return;
    const offset = Math.floor(storeTime) - this.#monotonic();
    const isFirst = this.#followed === undefined;
    this.#followed = offset;
    if (isFirst) this.#begin(offset);
    this.#look();
  }

  exchange(kept: string | undefined): string | undefined {
    if (this.trustsNow) return kept;
    const monotonic = this.#look();
    const other = kept === undefined ? undefined : parse(kept);
    if (other && other.writer !== this.#writer) this.#join(other, monotonic);
    this.#hasExchanged = true;
    const record: Kept = {
      entry: this.entryTime(),
      expiry: this.expiryTime(),
      now: Math.floor(this.#reference + monotonic),
      writer: this.#writer,
    };
    return JSON.stringify(record);
  }

  #timeOf(line: Line): number {
    const monotonic = this.#look();
    const offset = this.#isNear(line) ? this.#reference : line.offset;
    return Math.floor(offset + monotonic);
  }

  #isNear(line: Line): boolean {
    return this.trustsNow || Math.abs(this.#reference - line.offset) <= this.#toleranceMs;
  }

  /** Reads the reference, moves the lines that it may move, and returns monotonic time. */
  #look(): number {
    const monotonic = this.#monotonic();
    const reference = this.#followed ?? this.#readOffset(monotonic);
    if (reference === undefined) return monotonic;
    this.#reference = reference;
    if (this.trustsNow) return monotonic;
    const { since, offset } = this.#steady;
    const allowed = STEADY_MS + (monotonic - since) * STEADY_RATE;
    if (Math.abs(reference - offset) > allowed) this.#beginSteady(monotonic);
    const steadyMs = monotonic - this.#steady.since;
    for (const line of [this.#entry, this.#expiry]) {
      const patience = this.#isNear(line) ? ENTRY_PATIENCE_MS : line.patienceMs;
      if (steadyMs >= patience) line.offset = reference;
    }
    this.#tellSkew();
    return monotonic;
  }

  #readOffset(monotonic: number): number | undefined {
    const now = readClock(this.#now);
    if (now !== undefined) {
      this.#isRefused = false;
      return now - monotonic;
    }
    if (!this.#isRefused) {
      this.#isRefused = true;
      const message = 'now() does not give milliseconds since 1970: time goes on from its last good answer';
      this.#warn({ code: 'clock-skew', message });
    }
    return undefined;
  }

  #beginSteady(monotonic: number): void {
    this.#steady = { since: monotonic, offset: this.#reference };
  }

  #begin(offset: number): void {
    this.#reference = offset;
    this.#entry.offset = offset;
    this.#expiry.offset = offset;
    this.#beginSteady(this.#monotonic());
  }

  /** Law Expiry: adopts the accepted time stored with the data. */
  #join(other: Kept, monotonic: number): void {
    for (const [line, time] of [[this.#entry, other.entry] as const, [this.#expiry, other.expiry] as const]) {
      const ahead = time - (line.offset + monotonic);
      if (!this.#hasExchanged || ahead > 0 || ahead < -this.#toleranceMs) line.offset = time - monotonic;
    }
    const agrees = Math.abs(other.now - other.expiry) <= this.#toleranceMs;
    if (agrees && !this.#isNear(this.#expiry)) this.#beginSteady(monotonic);
    this.#tellSkew();
  }

  #tellSkew(): void {
    const ms = this.#reference - this.#expiry.offset;
    const isSkewed = Math.abs(ms) > this.#toleranceMs;
    if (isSkewed && !this.#isSkewed) this.#warn({ code: 'clock-skew', message: skewMessage(ms, this.#followed) });
    this.#isSkewed = isSkewed;
  }
}

/** The text stored with the data of a library. */
interface Kept {
  readonly entry: number;
  readonly expiry: number;
  /** The writer's clock, so that others can compare it with accepted time. */
  readonly now: number;
  readonly writer: string;
}

function parse(text: string): Kept | undefined {
  try {
    const kept = JSON.parse(text) as Kept;
    return isTime(kept.entry) && isTime(kept.expiry) && isTime(kept.now) ? kept : undefined;
  } catch {
    return undefined;
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST;
}

/** Returns whole milliseconds; undefined if `now` fails or returns no valid time. */
export function readClock(now: () => number): number | undefined {
  try {
    const time: unknown = now();
    return isTime(time) ? Math.floor(time) : undefined;
  } catch {
    return undefined;
  }
}

function skewMessage(ms: number, followed: number | undefined): string {
  const clock = followed === undefined ? 'the clock of this process' : "the store's clock";
  const far = `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead of' : 'behind'}`;
  return (
    `${clock} is ${far} the accepted time of the library. If it is right (a long stop, a resumed machine), leave it: ` +
    'new entries take its time after a minute, expiry after an hour. If it is wrong, set it.'
  );
}
