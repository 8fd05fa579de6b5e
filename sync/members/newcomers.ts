import type { TimelineEntry } from '../../src/types.js';
import { copyOf, isDiffused, referenceTo } from '../inbox/inbox-entries.js';
import type { Copies } from '../inbox/inbox-writer.js';
import type { Context } from '../shared/context.js';
import { each } from '../shared/listing.js';
import { copyKey } from '../shared/names.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Mode, Stored, Synced } from '../types.js';

const PAGE = 500;

interface Join<M> {
  readonly conversation: string;
  readonly entry: TimelineEntry<Stored<M>>;
  readonly users: readonly string[];
  readonly mode: Mode;
}

/**
 * Takes new members in at one place of the conversation. What they may see of the past is settled here, and their inboxes
 * get it, or in read diffusion where it begins, ahead of all that comes: a device that wakes after its user has left again
 * still finds it there. Idempotent.
 */
export async function admit<M>(context: Context<M>, join: Join<M>, copies: Copies<M>): Promise<void> {
  const { conversation, entry, users, mode } = join;
  const { directory } = context;
  const at = entry.seqId;
  const visible = await visibleFrom(context, conversation, at);
  const from = new Map<string, bigint>();
  const strangers = new Map<string, bigint>();
  for (const user of users) {
    const seen = await directory.seenThrough?.(conversation, user, at);
    const start = seen !== undefined && seen > visible ? seen : visible;
    from.set(user, start);
    // Who is a member already goes on where each device is; a directory that keeps no memberships does not tell.
    if (seen !== undefined && seen < at) strangers.set(user, start);
  }
  // First, so that a device that is rebuilt at this moment takes from the conversation what its inbox position is past.
  await directory.apply?.(conversation, { kind: 'join', users, at, from: [...from.values()] });
  if (mode === 'write') await backfill(context, conversation, at, from, copies);
  else await pointTo(join, strangers, copies);
}

/** The SeqId after which someone who joins at `at` sees the conversation. */
async function visibleFrom<M>({ store, newcomers }: Context<M>, conversation: string, at: bigint): Promise<bigint> {
  if (newcomers === 'all') return 0n;
  if (newcomers === 'since-joining' || newcomers.last === 0) return at;
  return beforeLast(store.timeline(conversation).scan({ before: at, reverse: true, ...lenient }), newcomers.last, at);
}

/** Walks back over the last `count` messages; the SeqId before the oldest of them. */
export async function beforeLast(
  backwards: AsyncIterable<{
    readonly seqId: bigint;
    readonly deleted: boolean;
    readonly message: { readonly kind: string };
  }>,
  count: number,
  otherwise: bigint,
): Promise<bigint> {
  let left = count;
  let first = otherwise;
  for await (const entry of backwards) {
    if (entry.deleted || entry.message.kind !== 'message') continue;
    first = entry.seqId - 1n;
    if (--left === 0) break;
  }
  return left === count ? otherwise : first;
}

async function pointTo<M>(
  { conversation, entry }: Join<M>,
  from: ReadonlyMap<string, bigint>,
  copies: Copies<M>,
): Promise<void> {
  for (const start of new Set(from.values())) {
    const users = [...from].flatMap(([user, its]) => (its === start ? [user] : []));
    const message = { kind: 'mode', conversation, seqId: String(entry.seqId), from: String(start) } as const;
    await copies.send({ seqId: entry.seqId, key: copyKey(conversation, entry), message }, each(users));
  }
}

async function backfill<M>(
  context: Context<M>,
  conversation: string,
  at: bigint,
  from: ReadonlyMap<string, bigint>,
  copies: Copies<M>,
): Promise<void> {
  const first = [...from.values()].reduce((least, each) => (each < least ? each : least), at);
  if (first + 1n >= at) return;
  for await (const { entries } of context.store
    .timeline(conversation)
    .pages({ after: first, before: at, pageSize: PAGE, ...lenient })) {
    for (const entry of entries) {
      const message = backfilled(context, conversation, entry);
      if (!message) continue;
      const users = [...from].flatMap(([user, after]) => (after < entry.seqId ? [user] : []));
      await copies.send({ seqId: at, key: copyKey(conversation, entry), message }, each(users));
    }
  }
}

function backfilled<M>(
  context: Context<M>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
): Synced<M> | undefined {
  if (entry.deleted) return undefined;
  if (isUndecodable(entry.message)) return referenceTo(conversation, entry);
  return isDiffused(entry.message) ? copyOf(context, conversation, entry, entry.message) : undefined;
}
