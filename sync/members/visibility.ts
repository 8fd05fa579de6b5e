import { isTimelineError, type Page, type TimelineEntry, type TimelineStore } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { chunks } from '../shared/listing.js';
import { lenient } from '../shared/undecodable.js';
import type { EndedMembership, Stored } from '../types.js';
import { lastLeaves } from './last-leaves.js';

const USERS_PER_CALL = 500;

/** An edit or recall at `at` of the message at `target`. */
export interface MessageChange {
  readonly at: bigint;
  readonly target: bigint;
}

/** Asks whether an earlier membership of the user showed the message at `target`. */
export interface FormerView {
  readonly conversation: string;
  readonly user: string;
  readonly target: bigint;
}

/**
 * Returns the SeqId after which a device reads a conversation in read mode whose member sees it after `visibleAfter`.
 * Where devices are told of joins, they read the join at `joinedAt` itself as well.
 */
export function readFrom(
  { membershipEvents }: Pick<Context<unknown>, 'membershipEvents'>,
  visibleAfter: bigint,
  joinedAt: bigint,
): bigint {
  return membershipEvents && joinedAt > 0n && visibleAfter >= joinedAt ? joinedAt - 1n : visibleAfter;
}

/**
 * Yields those of the members at `at` who see the message, or saw it in an earlier membership. Without `visibleFrom` in
 * the directory, all of them.
 */
export async function* membersWhoSee<M>(
  context: Context<M>,
  conversation: string,
  members: AsyncIterable<string>,
  { at, target }: MessageChange,
): AsyncGenerator<string, void, undefined> {
  const { directory, store } = context;
  if (!directory.visibleFrom) return yield* members;
  for await (const users of chunks(members, USERS_PER_CALL)) {
    const from = await Promise.all(users.map((user) => directory.visibleFrom?.(conversation, user, at)));
    yield* await whoSee(store, conversation, new Map(users.map((user, i) => [user, from[i]])), target);
  }
}

/**
 * Lists those users who see the message, or saw it in an earlier membership. `from` has for each user the SeqId after
 * which the membership shows the conversation, `undefined` if that is not known.
 */
export async function whoSee<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  from: ReadonlyMap<string, bigint | undefined>,
  target: bigint,
): Promise<string[]> {
  const sees = (user: string) => target > (from.get(user) ?? target);
  const others = [...from.keys()].filter((user) => !sees(user));
  const saw = await sawBefore(
    store,
    others.map((user) => ({ conversation, user, target })),
  );
  const before = new Set(others.filter((_, i) => saw[i]));
  return [...from.keys()].filter((user) => sees(user) || before.has(user));
}

/**
 * Tells for each view whether an earlier membership showed the message. Goes back from leave to leave, from the newest
 * on: each holds the membership that it ended. All views take each step in one call.
 */
export async function sawBefore<M>(
  store: TimelineStore<Stored<M>>,
  views: readonly FormerView[],
): Promise<readonly boolean[]> {
  const saw = views.map(() => false);
  if (views.length === 0) return saw;
  const leaves = await lastLeaves(store, views);
  let open = views.flatMap((view, i) => {
    const leftAt = leaves[i] as bigint;
    return leftAt < view.target ? [] : [{ ...view, i, leftAt }];
  });
  while (open.length > 0) {
    const pages = await store.readBatch(
      open.map(({ conversation, leftAt }) => ({ timeline: conversation, after: leftAt - 1n, limit: 1 })),
      lenient,
    );
    open = open.flatMap((view, j) => {
      const [entry] = (pages[j] as Page<Stored<M>>).entries;
      const ended = entry?.seqId === view.leftAt ? endedMembership(entry, view.user) : undefined;
      if (!ended) return [];
      saw[view.i] = BigInt(ended.from) < view.target;
      const leftAt = BigInt(ended.leftBefore);
      return saw[view.i] || leftAt < view.target ? [] : [{ ...view, leftAt }];
    });
  }
  return saw;
}

/**
 * Adds to a leave the memberships that it ends: later, the directory may have forgotten them. Precedes the checkpoints
 * of the leave, so a leave that any of them points to is complete. Idempotent.
 */
export async function recordEnded<M>(
  { store, directory }: Context<M>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
  leaving: readonly string[],
): Promise<void> {
  // Without updates there are no edits and recalls.
  if (entry.message.kind !== 'leave' || !directory.visibleFrom || !store.capabilities.update) return;
  const leftBefore = await lastLeaves(
    store,
    leaving.map((user) => ({ conversation, user })),
  );
  if (leftBefore.some((seqId) => seqId >= entry.seqId)) return;
  const ended: EndedMembership[] = [];
  for (const [i, user] of leaving.entries()) {
    const from = await directory.visibleFrom(conversation, user, entry.seqId);
    if (from !== undefined) ended.push({ user, from: String(from), leftBefore: String(leftBefore[i]) });
  }
  await store
    .timeline(conversation)
    .update(entry.seqId, { ...entry.message, kind: 'leave', ended })
    .catch((error: unknown) => {
      // Trimmed, or deleted.
      if (!isTimelineError(error) || error.code !== 'TIMELINE_NOT_FOUND') throw error;
    });
}

function endedMembership(entry: TimelineEntry<Stored<unknown>>, user: string): EndedMembership | undefined {
  if (entry.deleted || entry.message.kind !== 'leave') return undefined;
  return entry.message.ended?.find((each) => each.user === user);
}
