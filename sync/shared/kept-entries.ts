import type { ReadRange, Timeline, TimelineEntry } from '../../src/index.js';
import { lenient } from './undecodable.js';

/** Yields the entries of a range that are kept: `scan` rejects if some of them are gone. */
export async function* keptEntries<M>(
  timeline: Timeline<M>,
  range: ReadRange,
): AsyncGenerator<TimelineEntry<M>, void, undefined> {
  for await (const { entries } of timeline.pages({ ...range, ...lenient })) yield* entries;
}
