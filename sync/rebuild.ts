import { seqIdOf } from '../src/cursor.js';
import { isTimelineError } from '../src/errors.js';
import type { Page } from '../src/types.js';
import type { Context } from './context.js';
import type { DeviceLog } from './device-log.js';
import { membershipsOf } from './memberships.js';
import { type PresentMode, presentModes } from './modes.js';
import { readerOf } from './names.js';
import { beforeLast } from './newcomers.js';
import type { Place } from './places.js';
import type { Membership, Stored } from './types.js';

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
  const memberships = await presentMemberships(context, owner.user);
  const places = new Map<string, Place>();
  for (let i = 0; i < memberships.length; i += BATCH) {
    const some = memberships.slice(i, i + BATCH);
    const names = some.map(({ conversation }) => conversation);
    const modes = await presentModes(context, names);
    const pages = await store.readBatch(
      some.map(({ conversation, from }) => ({ timeline: conversation, after: from, reverse: true, limit: options.last + 1 })),
    );
    for (const [j, membership] of some.entries()) {
      const page = pages[j] as Page<Stored<M>>;
      const start = await startOf(context, membership, page, options.last);
      const place = placeOf(start, page.head.lastSeqId, modes[j]);
      if (place) places.set(membership.conversation, place);
    }
  }
  await log.add({ generation: log.generation + 1, places, ...(options.resync && { resync: true }) });
  await moveInbox(context, owner, inbox);
}

/**
 * What the directory tells and no leave contradicts that it has yet to hear of. It has heard of all up to the fan-out
 * positions, if it is asked after they were looked up.
 */
async function presentMemberships<M>({ store, directory, positions }: Context<M>, user: string): Promise<Membership[]> {
  const listed = await membershipsOf(directory, user);
  if (!directory.apply) return listed;
  const names = listed.map(({ conversation }) => conversation);
  const heardOf = new Map<string, bigint>();
  for (const [i, cursor] of (await positions.get(names)).entries())
    heardOf.set(names[i] as string, cursor ? seqIdOf(cursor) : 0n);
  const present: Membership[] = [];
  for (const membership of await membershipsOf(directory, user)) {
    const { conversation, joinedAt } = membership;
    const after = heardOf.get(conversation) ?? 0n;
    const unheard = store.timeline(conversation).scan({ after: after > joinedAt ? after : joinedAt });
    let hasLeft = false;
    for await (const { message } of unheard) if (message?.kind === 'leave' && message.users.includes(user)) hasLeft = true;
    if (!hasLeft) present.push(membership);
  }
  return present;
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
  return beforeLast(store.timeline(conversation).scan({ after: from, before: end + 1n, reverse: true }), last, end);
}

function placeOf(start: bigint, end: bigint, mode: PresentMode | undefined): Place | undefined {
  if (mode === undefined) return undefined;
  if (mode.mode === 'read') return { at: start, since: mode.at };
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
