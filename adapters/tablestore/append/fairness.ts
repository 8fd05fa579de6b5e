import type { Call } from '../../../src/adapter.js';
import { jitter, pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import type { KeyPart } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';

/** Puts in closer succession leave other writers no chance. */
const CLOSE_SUCCESSION_MS = 50;
const LONG_STREAK = 8;
/** Interval at which a writer with a long streak checks for waiting writers. */
const CHECK_INTERVAL_MS = 100;
/** After a conflict with others, every put checks for this long. */
const CONTENDED_MS = 1000;
/** Round trips to yield: others need two, to read the tail and to put a row behind it. */
const YIELD_ROUND_TRIPS = 4;
const MAX_YIELD_MS = 500;

/**
 * Gives every writer of a Timeline its turn. The writer that has put the last row knows the next id at once, whereas
 * one that lost the race must read the tail first, so the winner would go on winning. A writer that lost twice leaves a
 * note in the meta table. A writer that puts rows in close succession removes the note, in the same request as a row,
 * and then yields for a few round trips.
 */
export class WriterFairness {
  readonly #context: Context;
  /** Average duration of a put, in milliseconds. */
  #roundTripMs = 5;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Call before a put. Resolves with true after yielding to others, who may have moved the tail. */
  async yieldToOthers({ fairness }: TimelineState, { deadline }: Call): Promise<boolean> {
    const now = performance.now();
    const ms = Math.min(fairness.yieldUntil, deadline - this.#roundTripMs) - now;
    if (now >= fairness.yieldUntil || ms <= 0) return false;
    fairness.yieldUntil = 0;
    await pause(ms);
    return true;
  }

  /**
   * Call after yielding. If nobody used the time, the next yield is longer: the waiting writer may have a slow path.
   */
  yielded({ fairness }: TimelineState, wasUsed: boolean): void {
    if (wasUsed) fairness.lastContendedAt = performance.now();
    fairness.yieldMs = wasUsed ? 0 : Math.min(2 * fairness.yieldMs, MAX_YIELD_MS);
  }

  /**
   * A row to write along with a put: removes this handle's own note, or succeeds if another writer has left one.
   * Undefined if no check is due.
   */
  noteRemoval({ fairness, timeline }: TimelineState): RowWrite | undefined {
    fairness.isChecking = false;
    if (fairness.hasNote) {
      fairness.hasNote = false;
      return this.#removal(timeline, 'EQUAL');
    }
    const now = performance.now();
    const isCheckDue = fairness.streak >= LONG_STREAK && now - fairness.checkedAt > CHECK_INTERVAL_MS;
    if (!isCheckDue && now - fairness.lastContendedAt > CONTENDED_MS) return undefined;
    fairness.checkedAt = now;
    fairness.isChecking = true;
    return this.#removal(timeline, 'NOT_EQUAL');
  }

  #removal(timeline: string, is: 'EQUAL' | 'NOT_EQUAL'): RowWrite {
    const { tables, handle } = this.#context;
    const condition = [{ column: 'by', is, value: handle }];
    return { table: tables.meta, key: noteKey(timeline), type: 'DELETE', expect: 'exists', condition };
  }

  /** Call after a put that began at `begunAt`, with the result of its {@link noteRemoval}. */
  putSucceeded({ fairness }: TimelineState, begunAt: number, removal: RowResult | undefined): void {
    const now = performance.now();
    this.#roundTripMs = 0.8 * this.#roundTripMs + 0.2 * (now - begunAt);
    fairness.streak = begunAt - fairness.lastPutEndedAt < CLOSE_SUCCESSION_MS ? fairness.streak + 1 : 0;
    fairness.lastPutEndedAt = now;
    if (!fairness.isChecking || !removal) return;
    fairness.yieldMs = removal.ok ? Math.max(fairness.yieldMs, YIELD_ROUND_TRIPS * this.#roundTripMs) : 0;
    if (removal.ok) fairness.yieldUntil = now + fairness.yieldMs;
  }

  /** Call after losing a race, `losses` times in a row. Leaves a note from the second time on. */
  async raceLost({ timeline, fairness }: TimelineState, losses: number, call: Call): Promise<void> {
    const { tables, handle, requests } = this.#context;
    fairness.lastContendedAt = performance.now();
    fairness.streak = 0;
    if (losses < 2) return;
    fairness.hasNote = true;
    const put = [{ name: 'by', value: handle }];
    await requests.write([{ table: tables.meta, key: noteKey(timeline), type: 'PUT', put }], call);
  }

  /** Keeps writers that lost to the same row from trying again in step. */
  async spreadOut({ deadline }: Call): Promise<void> {
    await pause(Math.min(jitter(this.#roundTripMs, 1), Math.max(0, deadline - performance.now())));
  }
}

/** Beside the Timeline's own row, with the empty name, and its checkpoints. */
function noteKey(timeline: string): readonly KeyPart[] {
  return [timeline, 'w'];
}
