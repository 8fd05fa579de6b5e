import { membershipsOf } from '../members/memberships.js';
import { sawBefore } from '../members/visibility.js';
import type { Context } from '../shared/context.js';
import type { DeviceMessage } from './device-message.js';
import type { StreamMessage } from './stream-page.js';

/**
 * Tells which of the messages are edits and recalls of a message that the user never sees. Of inbox copies, the fan-out
 * has left them out, but for those that did not decode there.
 */
export async function hiddenChanges<M>(
  context: Context<M>,
  user: string,
  found: readonly StreamMessage<M>[],
  resolved: readonly (DeviceMessage<M> | undefined)[],
): Promise<readonly boolean[]> {
  const { directory, store } = context;
  const isHidden = resolved.map(() => false);
  const changes = resolved.flatMap((message, i) => {
    if (message?.kind !== 'edit' && message?.kind !== 'recall') return [];
    const { isFromConversation, message: copy } = found[i] as StreamMessage<M>;
    return isFromConversation || 'undecodable' in copy ? [{ i, ...message }] : [];
  });
  if (changes.length === 0 || !directory.visibleFrom) return isHidden;
  // The memberships in memory may be older than the entries.
  const conversations = new Set(changes.map(({ conversation }) => conversation));
  await Promise.all([...conversations].map((conversation) => directory.refresh?.(conversation)));
  const from = await Promise.all(
    changes.map(({ conversation, entrySeqId }) => directory.visibleFrom?.(conversation, user, entrySeqId)),
  );
  // A join is recorded for the user first: a process may have died before it recorded it for the conversation.
  const memberships = from.includes(undefined) ? await membershipsOf(directory, user) : [];
  const own = new Map(memberships.map((membership) => [membership.conversation, membership.from]));
  const others = changes.filter(({ seqId, conversation }, j) => seqId <= (from[j] ?? own.get(conversation) ?? seqId));
  const views = others.map(({ conversation, seqId: target }) => ({ conversation, user, target }));
  for (const [j, saw] of (await sawBefore(store, views)).entries()) isHidden[others[j]?.i as number] = !saw;
  return isHidden;
}
