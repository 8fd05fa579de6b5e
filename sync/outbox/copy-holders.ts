import type { Context } from '../shared/context.js';
import { each } from '../shared/listing.js';
import { lenient } from '../shared/undecodable.js';

const PAGE = 1000;

interface Copies {
  readonly conversation: string;
  /** SeqId of the message. */
  readonly after: bigint;
  /** SeqId of its edit or recall. */
  readonly at: bigint;
}

/**
 * Yields each user whose inbox may hold a copy of a message: the members at its edit or recall, and those who left
 * in between. These keep their inboxes.
 */
export async function* copyHolders<M>(
  { store, directory }: Context<M>,
  { conversation, after, at }: Copies,
): AsyncGenerator<string, void, undefined> {
  const others = new Set<string>();
  const range = { after, before: at, pageSize: PAGE, ...lenient };
  for await (const { entries } of store.timeline(conversation).pages(range)) {
    for (const { message, deleted } of entries)
      if (!deleted && message.kind === 'leave') for (const user of message.users) others.add(user);
  }
  yield* others;
  for await (const member of each(directory.members(conversation, { at }))) if (!others.has(member)) yield member;
}
