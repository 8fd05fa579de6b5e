import { isTimelineError } from '../src/errors.js';
import type { Timeline } from '../src/types.js';
import type { Stored, StoredMessage } from './types.js';

type Amendment<M> = Extract<Stored<M>, { kind: 'edit' | 'recall' }>;

/**
 * Makes a message show an edit or recall that stands at `at`. Idempotent and indifferent to order: the newest edit
 * counts, and a recall is final. A message that is gone, or was none, stays as it is.
 */
export async function amend<M>(timeline: Timeline<Stored<M>>, at: bigint, amendment: Amendment<M>): Promise<void> {
  const target = BigInt(amendment.target);
  for (;;) {
    const entry = await timeline.get(target);
    if (!entry || entry.deleted || entry.message.kind !== 'message') return;
    const next = amended(entry.message, at, amendment);
    if (!next) return;
    try {
      await timeline.update(target, next, { ifRevision: entry.revision });
      return;
    } catch (error) {
      if (!isTimelineError(error)) throw error;
      if (error.code === 'TIMELINE_NOT_FOUND') return;
      if (error.code !== 'TIMELINE_CONFLICT') throw error;
    }
  }
}

/** `undefined`: nothing changes. */
function amended<M>(message: StoredMessage<M>, at: bigint, amendment: Amendment<M>): StoredMessage<M> | undefined {
  if (message.recalled !== undefined) return undefined;
  const { kind, sender } = message;
  if (amendment.kind === 'recall') return { kind, sender, recalled: String(at) };
  if (message.edited !== undefined && BigInt(message.edited) >= at) return undefined;
  return { kind, sender, body: amendment.body, edited: String(at) };
}
