import type { AppendResult, Cursor, Timeline, TimelineStore } from '../src/types.js';
import { fill, rejects, take, within } from './assertions.js';
import type { Fixture } from './fixture.js';

/** Checks that every call that takes a cursor refuses it. */
export async function assertRefused(store: TimelineStore<string>, cursor: Cursor, id = 'timeline'): Promise<void> {
  const timeline = store.timeline(id);
  const calls: Record<string, () => Promise<unknown>> = {
    after: () => timeline.read({ after: cursor }),
    before: () => timeline.read({ before: cursor }),
    'reverse after': () => timeline.read({ after: cursor, reverse: true }),
    'reverse before': () => timeline.read({ before: cursor, reverse: true }),
    count: () => timeline.count({ after: cursor }),
    scan: () => take(timeline.scan({ after: cursor })),
    pages: () => take(timeline.pages({ after: cursor })),
    subscribe: () => take(timeline.subscribe({ after: cursor }), 1),
    readBatch: () => store.readBatch([{ timeline: 'beside' }, { timeline: id, after: cursor }]),
    countBatch: () => store.countBatch([{ timeline: 'beside' }, { timeline: id, after: cursor }]),
  };
  for (const [name, run] of Object.entries(calls)) {
    await rejects(run(), 'TIMELINE_EPOCH_CHANGED').catch((reason: Error) => {
      reason.message = `${name}: ${reason.message}`;
      throw reason;
    });
  }
}

/** A subscription: `waits` once it has caught up, `ended` with its error. */
export const caughtUp = (timeline: Timeline<string>, after?: Cursor) => {
  let tell = () => {};
  const waits = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const ended = take(timeline.subscribe({ after, onCaughtUp: tell }), undefined, 20_000);
  ended.catch(() => {});
  return { waits: within('a subscription catches up', waits), ended };
};

/** A Timeline with five entries, dropped. */
export async function droppedTimeline(fixture: Fixture): Promise<{ timeline: Timeline<string>; old: AppendResult[] }> {
  const timeline = fixture.timeline();
  const old = await fill(timeline, 5);
  await timeline.drop();
  return { timeline, old };
}
