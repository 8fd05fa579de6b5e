import type { Cursor, Head, Page } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import { type CurrentMode, currentModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { heldSeqId, keptThrough, tagOf } from '../shared/epochs.js';
import { keptEntries } from '../shared/kept-entries.js';
import { beforeLastMessages } from '../shared/last-messages.js';
import { lenient } from '../shared/undecodable.js';
import type { Membership, Stored } from '../types.js';
import { type ConversationPosition, positionAfter } from './conversation-position.js';

/** Conversations, and entries with their bodies, read in one round trip. */
const CONVERSATIONS_PER_CALL = 50;
const ENTRIES_PER_CALL = 2500;

/** A membership, and the position up to which the directory knows all joins and leaves of the conversation. */
type KnownMembership = Membership & { readonly known: Cursor | undefined };

/** The position of a device that begins, or begins again. It is complete; see `StreamPosition`. */
export interface RebuiltPosition {
  readonly inbox: bigint;
  readonly conversations: Map<string, ConversationPosition>;
}

/**
 * Finds the position from which a device gets the `last` messages of each conversation, read from the conversation, and
 * then what follows. Reads the head of the inbox before the heads of the conversations, so that no message sent
 * meanwhile is missed. The positions tell which of the later inbox entries were handed over already.
 */
export async function rebuild<M>(context: Context<M>, user: string, last: number): Promise<RebuiltPosition> {
  const { store, sync } = context;
  const { lastSeqId: inbox } = await sync.timeline(user).head();
  const memberships = await knownMemberships(context, user);
  const conversations = new Map<string, ConversationPosition>();
  const perCall = Math.max(1, Math.min(CONVERSATIONS_PER_CALL, Math.floor(ENTRIES_PER_CALL / (last + 1))));
  for (let i = 0; i < memberships.length; i += perCall) {
    const some = memberships.slice(i, i + perCall);
    const names = some.map(({ conversation }) => conversation);
    const modes = await currentModes(context, names);
    const pages = await store.readBatch(
      some.map(({ conversation, from }) => ({ timeline: conversation, after: from, reverse: true, limit: last + 1 })),
      lenient,
    );
    for (const [j, membership] of some.entries()) {
      const page = pages[j] as Page<Stored<M>>;
      if (await hasLeft(context, user, membership, page.head)) continue;
      const start = await startOf(context, membership, page, last);
      const position = startPosition(membership, start, page.head, modes[j]);
      if (position) conversations.set(membership.conversation, position);
    }
  }
  return { inbox, conversations };
}

/** Reads the fan-out positions before the memberships: the directory knows every change up to them. */
async function knownMemberships<M>(
  { directory, fanOutPositions, store }: Context<M>,
  user: string,
): Promise<KnownMembership[]> {
  const names = (await membershipsOf(directory, user)).map(({ conversation }) => conversation);
  const [cursors, heads] = await Promise.all([fanOutPositions.get(names), store.heads(names)]);
  const known = new Map(names.map((name, i) => [name, cursors[i]]));
  const ends = new Map(names.map((name, i) => [name, heads[i] as Head]));
  const memberships = await membershipsOf(directory, user);
  return memberships.map((each) => ({
    ...atMost(each, ends.get(each.conversation)),
    known: known.get(each.conversation),
  }));
}

/** A join of a lost entry holds from the end of what the conversation has kept, see `Directory.rebase`. */
function atMost(membership: Membership, head: Head | undefined): Membership {
  const { joinedAt, from, epoch = 0 } = membership;
  if (!head || epoch === tagOf(head.epoch)) return membership;
  const end = keptThrough(head, epoch);
  return { ...membership, joinedAt: joinedAt < end ? joinedAt : end, from: from < end ? from : end };
}

/** Looks for a leave that the directory does not know yet. Missing it, the device would read on after the leave. */
async function hasLeft<M>(
  { store, directory }: Context<M>,
  user: string,
  { conversation, joinedAt, known }: KnownMembership,
  head: Head,
): Promise<boolean> {
  const knownThrough = heldSeqId(head, known);
  const end = head.lastSeqId;
  if (!directory.apply || end <= knownThrough) return false;
  const after = knownThrough > joinedAt ? knownThrough : joinedAt;
  for await (const { entries } of store.timeline(conversation).pages({ after, before: end + 1n, ...lenient })) {
    if (entries.some(({ message }) => message?.kind === 'leave' && message.users.includes(user))) return true;
  }
  return false;
}

/** Returns the SeqId before the oldest of the last messages that the member sees. */
async function startOf<M>(
  { store }: Context<M>,
  { conversation, from }: Membership,
  page: Page<Stored<M>>,
  last: number,
): Promise<bigint> {
  const end = page.head.lastSeqId;
  if (last === 0) return end;
  const found = page.entries.filter(({ deleted, message }) => !deleted && message.kind === 'message');
  if (found.length >= last) return (found[last - 1] as { seqId: bigint }).seqId - 1n;
  if (page.upToDate) return found.length > 0 ? (found.at(-1) as { seqId: bigint }).seqId - 1n : end;
  return beforeLastMessages(
    keptEntries(store.timeline(conversation), { after: from, before: end + 1n, reverse: true }),
    last,
    end,
  );
}

function startPosition(
  { joinedAt }: Membership,
  start: bigint,
  { epoch, lastSeqId: end }: Head,
  mode: CurrentMode | undefined,
): ConversationPosition | undefined {
  if (mode === undefined) return undefined;
  const followed = { deliveredThrough: start, memberSince: joinedAt };
  return positionAfter(mode.mode === 'read' ? followed : { ...followed, followedThrough: end }, {
    epoch: tagOf(epoch),
    seqId: start,
  });
}
