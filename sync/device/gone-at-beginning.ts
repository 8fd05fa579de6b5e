import type { Page } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { type TaggedPosition, tagOf } from '../shared/epochs.js';
import { lenient } from '../shared/undecodable.js';
import type { Synced } from '../types.js';

const PAGE = 1000;
/** Pages of the inbox, behind the first, that are searched for markers. */
const MAX_PAGES = 10;

interface Beginning<M> {
  /** Listed conversations that may be read directly; `undefined` if none ever is. */
  readonly everInReadMode: readonly string[] | undefined;
  /** The first page. */
  readonly inbox: Page<Synced<M>>;
}

/**
 * Looks up what conversations have lost by the time that a device begins: it is not told of that, as it starts with the
 * oldest entry kept. These are the conversations that it will read directly, now or once it gets to their markers.
 */
export async function goneAtBeginning<M>(
  context: Context<M>,
  user: string,
  { everInReadMode, inbox }: Beginning<M>,
): Promise<ReadonlyMap<string, TaggedPosition>> {
  const gone = new Map<string, TaggedPosition>();
  if (!everInReadMode) return gone;
  const names = [...new Set([...everInReadMode, ...(await markedIn(context, user, inbox))])];
  if (names.length === 0) return gone;
  for (const [i, { epoch, firstSeqId }] of (await context.store.heads(names)).entries())
    if (firstSeqId > 1n) gone.set(names[i] as string, { epoch: tagOf(epoch), seqId: firstSeqId - 1n });
  return gone;
}

/** Returns the conversations of which the inbox has markers; its user may have left them. */
async function markedIn<M>({ sync }: Context<M>, user: string, first: Page<Synced<M>>): Promise<Set<string>> {
  const marked = new Set<string>();
  const add = ({ entries }: Page<Synced<M>>) => {
    for (const { message } of entries) if (message?.kind === 'mode') marked.add(message.conversation);
  };
  add(first);
  if (first.upToDate) return marked;
  let pages = 0;
  for await (const page of sync.timeline(user).pages({ after: first.next, pageSize: PAGE, ...lenient })) {
    add(page);
    if (++pages === MAX_PAGES) break;
  }
  return marked;
}
