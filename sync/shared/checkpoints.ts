import { type Cursor, isTimelineError, type TimelineId, type TimelineStore } from '../../src/index.js';

export interface CheckpointItem {
  readonly timeline: TimelineId;
  readonly reader: string;
  readonly to: Cursor | bigint;
}

/**
 * Advances a checkpoint. If the Timeline has begun a new epoch, the old position means nothing in it, and the new one
 * replaces it.
 */
export async function advanceOrReset<M>(
  store: TimelineStore<M>,
  { timeline, reader, to }: CheckpointItem,
): Promise<void> {
  const checkpoint = store.timeline(timeline).checkpoint(reader);
  try {
    await checkpoint.advance(to);
  } catch (error) {
    if (!isEpochChanged(error)) throw error;
    await checkpoint.reset(to);
  }
}

/** Advances many checkpoints in one call, as {@link advanceOrReset} does. */
export async function advanceAllOrReset<M>(
  store: TimelineStore<M>,
  items: readonly (CheckpointItem & { readonly to: Cursor })[],
): Promise<void> {
  try {
    await store.advanceCheckpoints(items);
  } catch (error) {
    if (!isEpochChanged(error)) throw error;
    for (const item of items) await advanceOrReset(store, item);
  }
}

function isEpochChanged(error: unknown): boolean {
  return isTimelineError(error) && error.code === 'TIMELINE_EPOCH_CHANGED';
}
