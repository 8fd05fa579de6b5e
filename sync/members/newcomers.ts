import { epochOf, type TimelineEntry } from '../../src/index.js';
import type { InboxCopy } from '../inbox/backlog.js';
import { copyOf, isDeliverable, referenceTo } from '../inbox/inbox-entries.js';
import type { InboxWriter } from '../inbox/inbox-writer.js';
import { eventCopy, membershipEvent } from '../inbox/membership-events.js';
import { truncationMarker } from '../inbox/truncation-marker.js';
import { advanceAllOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import { beforeLastMessages } from '../shared/last-messages.js';
import { each } from '../shared/listing.js';
import { copyKey, readerOf } from '../shared/names.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Mode, Stored, Synced } from '../types.js';
import { lastLeaves } from './last-leaves.js';
import { readFrom, recordEnded, whoSee } from './visibility.js';

const PAGE = 500;

interface Join<M> {
  readonly conversation: string;
  readonly entry: TimelineEntry<Stored<M>>;
  readonly users: readonly string[];
  readonly mode: Mode;
}

/**
 * Applies a join: records the members, decides which past they see, and writes it to their inboxes. In read mode the
 * inbox gets a marker of where to start instead. All this precedes later entries, so a device that wakes after its user
 * has left still finds it. Idempotent.
 */
export async function addNewcomers<M>(context: Context<M>, join: Join<M>, inboxes: InboxWriter<M>): Promise<void> {
  const { conversation, entry, users, mode } = join;
  const { directory } = context;
  const at = entry.seqId;
  const visible = await visibleAfter(context, conversation, at);
  const from = new Map<string, bigint>();
  const newMembers = new Map<string, bigint>();
  const seen = directory.isMember ? await seenBefore(context, conversation, users, at) : new Map<string, bigint>();
  for (const user of users) {
    // Applied before, and its user may have left since: the checkpoint tells of a later leave then.
    const recorded = await directory.visibleAfter?.(conversation, user, at);
    if (recorded !== undefined) {
      from.set(user, recorded);
      newMembers.set(user, recorded);
      continue;
    }
    const seenThrough = seen.get(user);
    const start = seenThrough !== undefined && seenThrough > visible ? seenThrough : visible;
    from.set(user, start);
    // Devices of present members continue at their own positions. A directory without memberships does not tell.
    if (seenThrough !== undefined && seenThrough < at) newMembers.set(user, start);
  }
  // First: a device that resyncs at this moment sets its inbox position beyond what is written below.
  await directory.apply?.(conversation, {
    ...{ kind: 'join', users, at, epoch: tagOf(epochOf(entry.cursor)) },
    from: [...from.values()],
  });
  if (mode === 'write') await backfill(context, conversation, at, from, inboxes);
  else await writeMarkers(context, join, newMembers, inboxes);
}

/**
 * Records where members leave, so that they do not get the same entries again when they rejoin. Precedes the leave in
 * the directory, which may forget former members. Idempotent.
 */
export async function recordLeave<M>(
  context: Context<M>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
  users: readonly string[],
): Promise<void> {
  const { store, directory } = context;
  const leaving: string[] = [];
  for (const user of users) if (await directory.isMember?.(conversation, user, entry.seqId)) leaving.push(user);
  if (leaving.length === 0) return;
  await recordEnded(context, conversation, entry, leaving);
  const checkpoint = (user: string) => ({ timeline: conversation, reader: readerOf.leave(user), to: entry.cursor });
  await advanceAllOrReset(store, leaving.map(checkpoint));
}

/**
 * Returns the SeqId up to which each user has seen the conversation as a member before: 0n for a new member, `at` for a
 * present one.
 */
async function seenBefore<M>(
  { store, directory }: Context<M>,
  conversation: string,
  users: readonly string[],
  at: bigint,
): Promise<Map<string, bigint>> {
  const seen = new Map<string, bigint>();
  const leaves = await lastLeaves(
    store,
    users.map((user) => ({ conversation, user })),
  );
  for (const [i, user] of users.entries()) {
    const left = leaves[i] as bigint;
    const isPresent = await directory.isMember?.(conversation, user, at);
    seen.set(user, isPresent || left > at ? at : left);
  }
  return seen;
}

/** Returns the SeqId after which a user who joins at `at` sees the conversation. */
async function visibleAfter<M>({ store, newcomers }: Context<M>, conversation: string, at: bigint): Promise<bigint> {
  // Entries that are gone by now are not part of the past that the user sees: nobody has to be told of them.
  if (newcomers === 'all') return (await store.timeline(conversation).head()).firstSeqId - 1n;
  if (newcomers === 'since-joining' || newcomers.last === 0) return at;
  const backwards = store.timeline(conversation).scan({ before: at, reverse: true, ...lenient });
  return beforeLastMessages(backwards, newcomers.last, at);
}

/** Returns who gets the event of a join or leave: the members and, for a join, the new ones. */
export async function* toldOf<M>(
  { directory }: Context<M>,
  conversation: string,
  at: bigint,
  joining: readonly string[],
): AsyncGenerator<string, void, undefined> {
  const others = new Set(joining);
  yield* others;
  for await (const member of each(directory.members(conversation, { at }))) if (!others.has(member)) yield member;
}

async function writeMarkers<M>(
  context: Context<M>,
  { conversation, entry }: Join<M>,
  starts: ReadonlyMap<string, bigint>,
  inboxes: InboxWriter<M>,
): Promise<void> {
  for (const start of new Set(starts.values())) {
    const users = [...starts].flatMap(([user, its]) => (its === start ? [user] : []));
    const [seqId, from] = [String(entry.seqId), String(readFrom(context, start, entry.seqId))];
    const epoch = epochOf(entry.cursor);
    const message = { kind: 'mode', mode: 'read', conversation, epoch, seqId, from } as const;
    await inboxes.write({ seqId: entry.seqId, key: copyKey(conversation, entry), message }, each(users));
  }
}

async function backfill<M>(
  context: Context<M>,
  conversation: string,
  at: bigint,
  from: ReadonlyMap<string, bigint>,
  inboxes: InboxWriter<M>,
): Promise<void> {
  const first = [...from.values()].reduce((least, each) => (each < least ? each : least), at);
  if (first + 1n >= at) return;
  const range = { after: first, before: at, pageSize: PAGE, ...lenient };
  // The next page may be read ahead, as soon as one is here.
  let [readAt, nextReadAt] = [performance.now(), performance.now()];
  for await (const { entries, truncated, head } of context.store.timeline(conversation).pages(range)) {
    [readAt, nextReadAt] = [nextReadAt, performance.now()];
    if (truncated) {
      // Gone since the join was first applied, or since this began.
      const through = truncated.through < at ? truncated.through : at - 1n;
      const users = [...from].flatMap(([user, after]) => (after < through ? [user] : []));
      const marker = truncationMarker<M>({ conversation, epoch: head.epoch, after: first, through });
      await inboxes.write({ ...marker, seqId: at }, each(users));
    }
    for (const entry of entries) {
      const copy = pastCopy(context, conversation, entry);
      if (!copy) continue;
      const visible = new Map([...from].filter(([, after]) => after < entry.seqId));
      const users = await recipientsOf(context, conversation, visible, copy.message);
      await inboxes.write({ ...copy, seqId: at, readAt }, each(users));
    }
  }
}

async function recipientsOf<M>(
  { store, directory }: Context<M>,
  conversation: string,
  from: ReadonlyMap<string, bigint>,
  copy: Synced<M>,
): Promise<Iterable<string>> {
  const changes = (copy.kind === 'edit' || copy.kind === 'recall') && directory.visibleFrom !== undefined;
  return changes ? whoSee(store, conversation, from, BigInt(copy.target as string)) : from.keys();
}

/** Returns the copy of an earlier entry, with the key that its fan-out gives it. */
function pastCopy<M>(
  context: Context<M>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
): Pick<InboxCopy<M>, 'key' | 'message'> | undefined {
  const event = context.membershipEvents ? membershipEvent(conversation, entry) : undefined;
  if (event) return eventCopy(conversation, entry, event);
  const key = copyKey(conversation, entry);
  if (entry.deleted) return undefined;
  if (isUndecodable(entry.message)) return { key, message: referenceTo(conversation, entry) };
  if (!isDeliverable(entry.message)) return undefined;
  return { key, message: copyOf(context, conversation, entry, entry.message) };
}
