import { seqIdOf } from '../../src/cursor.js';
import { isTimelineError } from '../../src/errors.js';
import type { Page } from '../../src/types.js';
import { membershipsOf } from '../members/memberships.js';
import { type CurrentMode, currentModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { beforeLastMessages } from '../shared/last-messages.js';
import { readerOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Membership, Stored } from '../types.js';
import type { Place } from './conversation-position.js';
import type { DeviceLog } from './device-log.js';

/** Conversations looked at in one round trip. */
const BATCH = 50;

/**
 * Starts a device anew: the last messages of each conversation, read from the conversation, and then what comes. The
 * inbox position is taken first and the ends of the conversations after it, so that what is sent meanwhile is on one
 * side at least; places tell which copies were handed over already.
 */
export async function rebuild<M>(
  context: Context<M>,
  owner: { readonly user: string; readonly device: string },
  log: DeviceLog<M>,
  options: { readonly last: number; readonly resync: boolean },
): Promise<void> {
  const { store, sync } = context;
  const { lastSeqId: inbox } = await sync.timeline(owner.user).head();
  const memberships = await knownMemberships(context, owner.user);
  const places = new Map<string, Place>();
  for (let i = 0; i < memberships.length; i += BATCH) {
    const some = memberships.slice(i, i + BATCH);
    const names = some.map(({ conversation }) => conversation);
    const modes = await currentModes(context, names);
    const pages = await store.readBatch(
      some.map(({ conversation, from }) => ({
        timeline: conversation,
        after: from,
        reverse: true,
        limit: options.last + 1,
      })),
      lenient,
    );
    for (const [j, membership] of some.entries()) {
      const page = pages[j] as Page<Stored<M>>;
      if (await hasLeft(context, owner.user, membership, page.head.lastSeqId)) continue;
      const start = await startOf(context, membership, page, options.last);
      const place = placeOf(start, page.head.lastSeqId, modes[j]);
      if (place) places.set(membership.conversation, place);
    }
  }
  await log.add({ generation: log.generation + 1, places, ...(options.resync && { resync: true }) });
  await moveInbox(context, owner, inbox);
}

/** A membership, and the place up to which the directory is sure to know of joins and leaves. */
type Known = Membership & { readonly through: bigint };

/** The directory has heard of all up to the fan-out positions, if it is asked after they were looked up. */
async function knownMemberships<M>({ directory, fanOutPositions }: Context<M>, user: string): Promise<Known[]> {
  const names = (await membershipsOf(directory, user)).map(({ conversation }) => conversation);
  const cursors = await fanOutPositions.get(names);
  const through = new Map(names.map((name, i) => [name, cursors[i] === undefined ? 0n : seqIdOf(cursors[i])]));
  const memberships = await membershipsOf(directory, user);
  return memberships.map((each) => ({ ...each, through: through.get(each.conversation) ?? 0n }));
}

/** Is there a leave that the directory has yet to hear of? Without it, the device would go on behind its user's leave. */
async function hasLeft<M>(
  { store, directory }: Context<M>,
  user: string,
  { conversation, joinedAt, through }: Known,
  end: bigint,
): Promise<boolean> {
  if (!directory.apply || end <= through) return false;
  const after = through > joinedAt ? through : joinedAt;
  for await (const { entries } of store.timeline(conversation).pages({ after, before: end + 1n, ...lenient })) {
    if (entries.some(({ message }) => message?.kind === 'leave' && message.users.includes(user))) return true;
  }
  return false;
}

/** The SeqId before the oldest of the last messages that the member may see. */
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
    store.timeline(conversation).scan({ after: from, before: end + 1n, reverse: true, ...lenient }),
    last,
    end,
  );
}

function placeOf(start: bigint, end: bigint, mode: CurrentMode | undefined): Place | undefined {
  if (mode === undefined) return undefined;
  if (mode.mode === 'read') return { at: start, since: mode.since };
  return start < end ? { at: start, until: end } : { at: end };
}

async function moveInbox<M>(
  { sync }: Context<M>,
  { user, device }: { readonly user: string; readonly device: string },
  to: bigint,
): Promise<void> {
  if (to === 0n) return;
  const checkpoint = sync.timeline(user).checkpoint(readerOf.device(device));
  try {
    await checkpoint.advance(to);
  } catch (error) {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_EPOCH_CHANGED') throw error;
    await checkpoint.reset(to);
  }
}
