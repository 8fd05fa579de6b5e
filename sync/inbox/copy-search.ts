import type { Page, TimelineEntry, TimelineStore } from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Synced } from '../types.js';
import type { CopiedMessage } from './copied-message.js';

/** Milliseconds by which the times of the two libraries may differ. */
const CLOCK_TOLERANCE_MS = 600_000;
/** Entries that are read at once where the copy may stand. */
const PAGE = 100;

interface Search {
  readonly user: string;
  /** Entries up to here are older than the message. */
  low: bigint;
  /** The first entry that is not older stands here or before. */
  high: bigint;
}

/**
 * Finds the copies of a message by its time, for inboxes that do not remember its key. `undefined` for an inbox without
 * a copy.
 */
export async function searchCopies<M>(
  sync: TimelineStore<Synced<M>>,
  users: readonly string[],
  copied: CopiedMessage<M>,
): Promise<(TimelineEntry<Synced<M>> | undefined)[]> {
  const heads = await sync.heads(users);
  const searches = users.map((user, i) => {
    const { firstSeqId, lastSeqId } = heads[i] as (typeof heads)[number];
    return { user, low: firstSeqId - 1n, high: lastSeqId };
  });
  if (copied.known) await skipOlder(sync, searches, copied.known.sentAt - CLOCK_TOLERANCE_MS);
  const found = new Map<string, TimelineEntry<Synced<M>>>();
  let open = searches.filter(({ low, high }) => low < high);
  while (open.length > 0) {
    const pages = await sync.readBatch(
      open.map(({ user, low }) => ({ timeline: user, after: low, limit: PAGE })),
      lenient,
    );
    open = open.filter((search, i) => {
      const { entries, upToDate } = pages[i] as Page<Synced<M>>;
      for (const entry of entries) {
        search.low = entry.seqId;
        if (isCopy(entry, copied)) found.set(search.user, entry);
        if (found.has(search.user) || isBehind(entry, copied, search.user)) return false;
      }
      return !upToDate && entries.length > 0;
    });
  }
  return users.map((user) => found.get(user));
}

/** Bisects all inboxes at once: times never decrease along a Timeline. */
async function skipOlder<M>(sync: TimelineStore<Synced<M>>, searches: readonly Search[], since: number): Promise<void> {
  const isWide = ({ low, high }: Search) => high - low > PAGE;
  for (let open = searches.filter(isWide); open.length > 0; open = open.filter(isWide)) {
    const middles = open.map(({ low, high }) => (low + high) / 2n);
    const pages = await sync.readBatch(
      open.map(({ user }, i) => ({ timeline: user, after: middles[i] as bigint, limit: 1 })),
      lenient,
    );
    for (const [i, search] of open.entries()) {
      const next = pages[i]?.entries[0];
      if (next && next.appendedAt < since) search.low = next.seqId;
      else search.high = middles[i] as bigint;
    }
  }
}

function isCopy<M>(
  { key, message, deleted }: TimelineEntry<Synced<M>>,
  { conversation, seqId, known }: CopiedMessage<M>,
): boolean {
  if (deleted) return false;
  if (known && key === known.key) return true;
  if (isUndecodable(message) || message.kind !== 'message') return false;
  const isSame = message.conversation === conversation && message.seqId === String(seqId);
  return isSame && (!known || message.sentAt === known.sentAt);
}

/** `true` if the copy would stand before this entry. Only the user's own messages may be out of order. */
function isBehind<M>(
  { message, deleted }: TimelineEntry<Synced<M>>,
  { conversation, seqId, known }: CopiedMessage<M>,
  user: string,
): boolean {
  if (deleted || isUndecodable(message) || message.conversation !== conversation || !('sender' in message))
    return false;
  return message.sender !== user && BigInt(message.seqId) > seqId && message.sentAt >= (known?.sentAt ?? 0);
}
