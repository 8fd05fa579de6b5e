import type { Call } from '../../../src/adapter.js';
import { pause } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import type { KeyPart } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';

/** Puts that come closer behind each other than this leave others no room. */
const CLOSE_MS = 50;
const LONG_STREAK = 8;
/** How often such a writer asks whether somebody waits. */
const ASK_MS = 100;
/** As long as others were met within this time, it asks with each put. */
const OTHERS_MS = 1000;
/** Round trips that others get: to look at the tail and to put a row behind it, and as much again. */
const ROUND_TRIPS = 4;
const MOST_MS = 500;

/**
 * Lets all writers of one Timeline come to their turn. Who puts a row behind the tail knows the next place at once, and who was beaten
 * must look first, so without this the first would stay first for ever. Who was beaten twice leaves a note in the meta table. Who puts
 * rows one close behind the other takes the note away, in the same request as a row, and then waits for a few round trips.
 */
export class Turns {
  readonly #context: Context;
  /** Milliseconds of a put, averaged. */
  #roundTrip = 5;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Before a put. Resolves with whether it was the turn of others, who may have moved the tail. */
  async wait({ turn }: TimelineState, { deadline }: Call): Promise<boolean> {
    const now = performance.now();
    const ms = Math.min(turn.until, deadline - this.#roundTrip) - now;
    if (now >= turn.until || ms <= 0) return false;
    turn.until = 0;
    await pause(ms);
    return true;
  }

  /** After waiting: whether somebody has used the time. Who waits may have a longer way, so the next wait is longer if nobody has. */
  waited({ turn }: TimelineState, wasUsed: boolean): void {
    if (wasUsed) this.#met(turn);
    turn.ms = wasUsed ? 0 : Math.min(2 * turn.ms, MOST_MS);
  }

  /** To be written along with a put: takes back the own note, or succeeds if there is another's. */
  ask({ turn, timeline }: TimelineState): RowWrite | undefined {
    turn.isAsking = false;
    if (turn.hasNote) {
      turn.hasNote = false;
      return this.#removal(timeline, 'EQUAL');
    }
    const now = performance.now();
    const isLong = turn.streak >= LONG_STREAK && now - turn.lookedAt > ASK_MS;
    if (!isLong && now - turn.othersAt > OTHERS_MS) return undefined;
    turn.lookedAt = now;
    turn.isAsking = true;
    return this.#removal(timeline, 'NOT_EQUAL');
  }

  #removal(timeline: string, is: 'EQUAL' | 'NOT_EQUAL'): RowWrite {
    const condition = [{ column: 'by', is, value: this.#context.handle, passIfMissing: false } as const];
    return { table: this.#context.tables.meta, key: noteKey(timeline), type: 'DELETE', expect: 'exists', condition };
  }

  /** A put that began at `begun` succeeded. */
  succeeded({ turn }: TimelineState, begun: number, asked: RowResult | undefined): void {
    const now = performance.now();
    this.#roundTrip = 0.8 * this.#roundTrip + 0.2 * (now - begun);
    turn.streak = begun - turn.endedAt < CLOSE_MS ? turn.streak + 1 : 0;
    turn.endedAt = now;
    if (!turn.isAsking || !asked) return;
    if (!asked.ok) {
      turn.ms = 0;
      return;
    }
    turn.ms = Math.max(turn.ms, ROUND_TRIPS * this.#roundTrip);
    turn.until = now + turn.ms;
  }

  /** Another writer was first, for the so-manieth time. The note is written while the tail is looked at. */
  async beaten(state: TimelineState, times: number, call: Call): Promise<void> {
    this.#met(state.turn);
    state.turn.streak = 0;
    if (times < 2) return;
    state.turn.hasNote = true;
    const put = [{ name: 'by', value: this.#context.handle }];
    await this.#context.requests.write(
      [{ table: this.#context.tables.meta, key: noteKey(state.timeline), type: 'PUT', put }],
      call,
    );
  }

  /** Several that were beaten by one must not be in step. */
  async scatter({ deadline }: Call): Promise<void> {
    await pause(Math.min(Math.random() * this.#roundTrip, Math.max(0, deadline - performance.now())));
  }

  #met(turn: TimelineState['turn']): void {
    turn.othersAt = performance.now();
  }
}

/** Beside the Timeline's row in the directory and its checkpoints. */
function noteKey(timeline: string): readonly KeyPart[] {
  return [timeline, 'w'];
}
