import type { Context } from '../shared/context.js';
import { each } from '../shared/listing.js';

/** A directory answers for an entry: every entry to come stands before this SeqId. */
const LAST_SEQ_ID = (1n << 63n) - 1n;

/** Returns `true` if the user is a member by all joins and leaves that any process has applied. */
export async function isMemberNow<M>(
  { directory }: Pick<Context<M>, 'directory'>,
  conversation: string,
  user: string,
): Promise<boolean> {
  if (directory.isMember) {
    await directory.refresh?.(conversation);
    return directory.isMember(conversation, user, LAST_SEQ_ID);
  }
  for await (const member of each(directory.members(conversation))) if (member === user) return true;
  return false;
}
