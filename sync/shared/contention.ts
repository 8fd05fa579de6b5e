import { TimelineError } from '../../src/errors.js';
import { pause } from '../inbox/inbox-writer.js';

/** Races that one call may lose, with growing pauses between them: some five seconds in all. */
const RACES = 12;
const MIN_PAUSE_MS = 4;
const MAX_PAUSE_MS = 1000;

/** Before what was found changed by others is tried again. Gives up with `TIMELINE_UNAVAILABLE` once that cannot help. */
export async function pauseAfterRace(race: number, what: string, closing: AbortSignal): Promise<void> {
  if (race >= RACES) {
    throw new TimelineError('TIMELINE_UNAVAILABLE', `${what} was changed by others ${race} times in a row`, {
      retryable: true,
    });
  }
  await pause((0.5 + Math.random() / 2) * Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** race), closing);
}
