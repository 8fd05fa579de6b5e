import { isTimelineError, type Timeline, type TimelineEntry } from '../../src/index.js';
import { pauseAfterRace } from '../shared/contention.js';
import { keptEntries } from '../shared/kept-entries.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored, StoredMessage } from '../types.js';

type Edit<M> = Extract<Stored<M>, { kind: 'edit' }>;
/** A change of an earlier message. */
export type Amendment<M> = Edit<M> | Extract<Stored<M>, { kind: 'recall' }>;

/**
 * Applies the edit or recall at `at` to its message. Idempotent, in any order: the newest edit counts, and a recall is
 * final. Changes nothing if the message is gone or the target is no message. Resolves with the message's entry as it
 * was before; `undefined` if it is gone.
 */
export async function amend<M>(
  timeline: Timeline<Stored<M>>,
  at: bigint,
  amendment: Amendment<M>,
  closing: AbortSignal,
): Promise<TimelineEntry<Stored<M>> | undefined> {
  const target = BigInt(amendment.target);
  for (let race = 1; ; race++) {
    const entry = await timeline.get(target, lenient);
    if (!entry || entry.deleted) return entry;
    const next = await amendedEntry(timeline, entry, at, amendment);
    if (!next) return entry;
    try {
      await timeline.update(target, next, { ifRevision: entry.revision });
      return entry;
    } catch (error) {
      if (isObsolete(error)) return entry;
      if (!isTimelineError(error) || error.code !== 'TIMELINE_CONFLICT') throw error;
    }
    await pauseAfterRace(race, `message ${target}`, closing);
  }
}

/** Returns `undefined` if nothing changes. A recall first removes the body from the edits of its message. */
async function amendedEntry<M>(
  timeline: Timeline<Stored<M>>,
  { seqId, message }: TimelineEntry<Stored<M>>,
  at: bigint,
  amendment: Amendment<M>,
): Promise<StoredMessage<M> | undefined> {
  if (isUndecodable(message)) {
    // A recall is final and needs no earlier state. An edit could bring back a recalled body.
    if (amendment.kind === 'edit') return undefined;
    await stripEdits(timeline, seqId, at);
    return { kind: 'message', sender: amendment.sender, recalled: String(at) };
  }
  if (message.kind !== 'message') return undefined;
  const { recalled, edited } = message;
  if (recalled !== undefined && amendment.kind === 'edit') await strip(timeline, at, amendment);
  const next = amended(message, at, amendment);
  if (next && amendment.kind === 'recall' && edited !== undefined) await stripEdits(timeline, seqId, BigInt(edited));
  return next;
}

/** Keeps all other fields of the message. */
function amended<M>(message: StoredMessage<M>, at: bigint, amendment: Amendment<M>): StoredMessage<M> | undefined {
  if (message.recalled !== undefined) return undefined;
  const { body: _, edited, ...rest } = message;
  if (amendment.kind === 'recall') return { ...rest, recalled: String(at) };
  if (edited !== undefined && BigInt(edited) >= at) return undefined;
  return { ...rest, ...(amendment.body !== undefined && { body: amendment.body }), edited: String(at) };
}

async function stripEdits<M>(timeline: Timeline<Stored<M>>, target: bigint, last: bigint): Promise<void> {
  for await (const { seqId, message, deleted } of keptEntries(timeline, { after: target, before: last + 1n })) {
    if (!deleted && message.kind === 'edit' && BigInt(message.target) === target) await strip(timeline, seqId, message);
  }
}

async function strip<M>(timeline: Timeline<Stored<M>>, at: bigint, { body: _, ...edit }: Edit<M>): Promise<void> {
  await timeline.update(at, edit).catch((error: unknown) => {
    if (!isObsolete(error)) throw error;
  });
}

/** The entry is gone, or the change was applied and this process cannot decode the result. */
function isObsolete(error: unknown): boolean {
  if (!isTimelineError(error)) return false;
  return error.code === 'TIMELINE_NOT_FOUND' || (error.code === 'TIMELINE_DECODE' && error.outcome === 'applied');
}
