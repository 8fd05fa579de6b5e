import { TimelineError } from '../../src/index.js';
import { backOff, pause } from '../../src/toolkit/index.js';

/** Races that one call may lose. The growing pauses between them add up to about five seconds. */
const MAX_RACES = 12;
const MIN_PAUSE_MS = 8;
const MAX_PAUSE_MS = 1000;

/** Pauses after a lost race, before the next attempt. Throws `TIMELINE_UNAVAILABLE` after too many. */
export async function pauseAfterRace(race: number, what: string, closing: AbortSignal): Promise<void> {
  if (race >= MAX_RACES) {
    throw new TimelineError('TIMELINE_UNAVAILABLE', `${what} was changed by others ${race} times in a row`, {
      retryable: true,
    });
  }
  await pause(backOff(race, { minMs: MIN_PAUSE_MS, maxMs: MAX_PAUSE_MS }), { signal: closing });
}
