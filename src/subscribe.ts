import { throwIfAborted } from './abort.js';
import { Bell } from './bell.js';
import { encodeCursor, seqIdOf } from './cursor.js';
import { isTimelineError, TimelineError } from './errors.js';
import { BatchIterator } from './iterate.js';
import { closedError, type Session } from './session.js';
import { describeValue } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Cursor, Page, SubscribeOptions, TimelineEntry } from './types.js';

/** Longest pause of a subscription between attempts to reach an unavailable store. */
const MAX_OUTAGE_PAUSE_MS = 2000;

/**
 * Law Subscription: reads pages until none is left, then waits for a hint and reads again from the same position. Only
 * reads return data, so a wake-up may be lost, repeated or spurious; the next read, after `pollMs` at the latest, finds
 * new entries.
 */
export function subscribe<M>(
  session: Session,
  ref: TimelineRef,
  read: (after: Cursor | bigint | undefined, limit: number) => Promise<Page<M>>,
  options: SubscribeOptions,
): BatchIterator<TimelineEntry<M>> {
  const { signal, onCaughtUp, onTruncated, pageSize = 100 } = options;
  const { library, closing } = session;
  let bell: Bell | undefined;
  let unwatch: (() => void) | undefined;
  let ended = false;
  let position = options.after;
  let caughtUp = false;

  async function next(): Promise<readonly TimelineEntry<M>[] | undefined> {
    if (!bell) {
      bell = new Bell([signal, closing]);
      unwatch = library.watch?.(ref.encoded, bell.ring);
    }
    for (let failures = 0; !ended; ) {
      throwIfAborted(signal);
      if (closing.aborted) throw closedError();
      bell.clear();
      try {
        const page = await read(position, pageSize);
        failures = 0;
        if (page.truncated) {
          if (!onTruncated) throw truncatedError(ref, page.truncated.through);
          onTruncated(page.truncated);
        }
        position = page.next;
        if (page.entries.length > 0) return page.entries;
        const through = page.truncated?.through ?? 0n;
        if (seqIdOf(position) < through) position = encodeCursor(ref, page.head.epoch, through);
        // All entries of the page were skipped, because they do not decode; more may follow.
        if (!page.upToDate) continue;
        if (!caughtUp) {
          caughtUp = true;
          onCaughtUp?.();
        }
        await bell.wait(session.pollMs);
      } catch (error) {
        if (!isTimelineError(error) || !error.retryable) throw error;
        if (++failures === 1)
          session.warn({ code: 'subscription-waits', message: `a subscription waits for its store: ${error.message}` });
        await bell.wait(Math.min(MAX_OUTAGE_PAUSE_MS, session.pollMs * 2 ** failures));
      }
    }
    return undefined;
  }

  const end = () => {
    ended = true;
    unwatch?.();
    bell?.stop();
  };
  return new BatchIterator(next, { signal, end });
}

export function truncatedError(ref: TimelineRef, through: bigint): TimelineError {
  const entries = `entries of ${describeValue(ref.encoded)} up to ${through} that were not read yet`;
  return new TimelineError('TIMELINE_TRUNCATED', `${entries} have been trimmed or have expired`, {
    timeline: ref.encoded,
    through,
  });
}
