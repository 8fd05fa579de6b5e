import { type Cursor, epochOf, type Head, seqIdOf, type Timeline } from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored, StoredMessage } from '../types.js';
import { type Entry, isChange } from './message-walk.js';

const PAGE = 1000;

/** The edits and recalls of some messages by message; entries in the order of the conversation. */
export type ChangesByTarget<M> = ReadonlyMap<string, readonly Entry<M>[]>;

/**
 * Returns the SeqId after which edits and recalls may not have changed their messages yet. `position` is the fan-out
 * position, read before the messages.
 */
export function appliedThrough(position: Cursor | undefined, { epoch }: Head): bigint {
  return position !== undefined && epochOf(position) === epoch ? seqIdOf(position) : 0n;
}

/** Reads the edits and recalls of a range. */
export async function readChanges<M>(
  timeline: Timeline<Stored<M>>,
  range: { readonly after: bigint; readonly through: bigint },
  signal: AbortSignal | undefined,
): Promise<Entry<M>[]> {
  const changes: Entry<M>[] = [];
  const { after, through } = range;
  if (after >= through) return changes;
  for await (const { entries } of timeline.pages({ after, before: through + 1n, pageSize: PAGE, signal, ...lenient }))
    changes.push(...entries.filter(isChange));
  return changes;
}

export function byTarget<M>(changes: readonly Entry<M>[]): ChangesByTarget<M> {
  const found = new Map<string, Entry<M>[]>();
  for (const change of changes) {
    const { target } = change.message as Extract<Stored<M>, { readonly target: string }>;
    const some = found.get(target);
    if (some) some.push(change);
    else found.set(target, [change]);
  }
  return found;
}

/** The message after all of its changes: the newest edit counts, and a recall is final. */
export function withChanges<M>({ seqId, message }: Entry<M>, changes: ChangesByTarget<M>): Stored<M> {
  let result = message;
  for (const { message: change, seqId: at } of changes.get(String(seqId)) ?? []) {
    if (change.kind === 'recall' || (change.kind === 'edit' && change.body === undefined))
      return recalled(message, change.sender, at);
    if (change.kind !== 'edit' || result.kind !== 'message' || result.recalled !== undefined) continue;
    if (at > BigInt(result.edited ?? 0)) result = { ...result, body: change.body as M, edited: String(at) };
  }
  return result;
}

function recalled<M>(message: Stored<M>, sender: string, at: bigint): StoredMessage<M> {
  if (isUndecodable(message) || message.kind !== 'message') return { kind: 'message', sender, recalled: String(at) };
  const { body: _, ...rest } = message;
  return { ...rest, recalled: message.recalled ?? String(at) };
}
