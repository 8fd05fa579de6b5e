import { isTimelineError } from '../src/errors.js';
import type { Timeline } from '../src/types.js';
import { pauseAfterRace } from './contention.js';
import type { Stored, StoredMessage } from './types.js';

type Edit<M> = Extract<Stored<M>, { kind: 'edit' }>;
type Amendment<M> = Edit<M> | Extract<Stored<M>, { kind: 'recall' }>;

/**
 * Makes a message show an edit or recall that stands at `at`. Idempotent and indifferent to order: the newest edit
 * counts, and a recall is final. A message that is gone, or was none, stays as it is.
 */
export async function amend<M>(
  timeline: Timeline<Stored<M>>,
  at: bigint,
  amendment: Amendment<M>,
  closing: AbortSignal,
): Promise<void> {
  const target = BigInt(amendment.target);
  for (let race = 1; ; race++) {
    const entry = await timeline.get(target);
    if (!entry || entry.deleted || entry.message.kind !== 'message') return;
    const { recalled, edited } = entry.message;
    if (recalled !== undefined && amendment.kind === 'edit') await strip(timeline, at, amendment);
    const next = amended(entry.message, at, amendment);
    if (!next) return;
    if (amendment.kind === 'recall' && edited !== undefined) await stripEdits(timeline, target, BigInt(edited));
    try {
      await timeline.update(target, next, { ifRevision: entry.revision });
      return;
    } catch (error) {
      if (!isTimelineError(error)) throw error;
      if (error.code === 'TIMELINE_NOT_FOUND') return;
      if (error.code !== 'TIMELINE_CONFLICT') throw error;
    }
    await pauseAfterRace(race, `message ${target}`, closing);
  }
}

/** `undefined`: nothing changes. */
function amended<M>(message: StoredMessage<M>, at: bigint, amendment: Amendment<M>): StoredMessage<M> | undefined {
  if (message.recalled !== undefined) return undefined;
  const { kind, sender } = message;
  if (amendment.kind === 'recall') return { kind, sender, recalled: String(at) };
  if (message.edited !== undefined && BigInt(message.edited) >= at) return undefined;
  return { kind, sender, ...(amendment.body !== undefined && { body: amendment.body }), edited: String(at) };
}

/** What was recalled is gone from its edits too. */
async function stripEdits<M>(timeline: Timeline<Stored<M>>, target: bigint, last: bigint): Promise<void> {
  for await (const { seqId, message, deleted } of timeline.scan({ after: target, before: last + 1n })) {
    if (!deleted && message.kind === 'edit' && BigInt(message.target) === target) await strip(timeline, seqId, message);
  }
}

async function strip<M>(timeline: Timeline<Stored<M>>, at: bigint, { kind, sender, target }: Edit<M>): Promise<void> {
  await timeline.update(at, { kind, sender, target }).catch((error: unknown) => {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_NOT_FOUND') throw error;
  });
}
