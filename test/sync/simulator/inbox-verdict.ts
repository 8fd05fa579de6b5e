import type { Synced } from '../../../sync/types.js';
import type { Evidence } from './evidence.js';
import type { Entry, History } from './history.js';

type Copy = Extract<Synced<string>, { readonly sender: string }>;

/** Every copy is there once, in the order of its conversation, and before `delivered` resolved. */
export async function checkInbox(evidence: Evidence, user: string): Promise<void> {
  const { world, player, histories, fail } = evidence;
  const { sync, setting } = world;
  const copies = new Map<string, bigint[]>();
  const inboxSeqIds = new Map<string, bigint>();
  for await (const { message, seqId: inboxSeqId } of sync.timeline(user).scan()) {
    if (message.kind === 'read' || message.kind === 'settings') continue;
    const { conversation, seqId } = message;
    if (!('sender' in message) && !('users' in message)) continue;
    if ('sender' in message) checkInboxBody(evidence, user, message);
    if (inboxSeqIds.has(`${seqId}@${conversation}`))
      fail(`the inbox of ${user} holds ${seqId} of ${conversation} twice`);
    copies.set(conversation, [...(copies.get(conversation) ?? []), BigInt(seqId)]);
    inboxSeqIds.set(`${seqId}@${conversation}`, inboxSeqId);
  }
  for (const [conversation, seqIds] of copies) {
    const history = histories.get(conversation)!;
    // Copies of entries that are gone may come late: devices pass them, as the marker says that they are gone.
    const mayBeLate = (seqId: bigint) =>
      history.lost.some((entry) => entry.seqId === seqId) || isGonePast(history, user, seqId);
    const disorder = history.disorder(seqIds.filter((seqId) => !mayBeLate(seqId)));
    if (disorder) fail(`the inbox of ${user} holds ${disorder}`);
    if (history.isUncertain(user)) continue;
    const entitled = new Set(history.entitled(user).map(({ seqId }) => seqId));
    for (const seqId of seqIds)
      if (!entitled.has(seqId)) fail(`the inbox of ${user} holds ${seqId} of ${conversation}, not meant for it`);
  }
  if (setting.expires) return;
  for (const { conversation, seqId, inboxes } of player.delivered) {
    const history = histories.get(conversation)!;
    const entry = history.entitled(user).find((each) => each.seqId === seqId);
    const isDue = entry !== undefined && history.wasMemberAt(user, seqId);
    if (history.isUncertain(user)) continue;
    if (entry && isOfForgottenPast(evidence, user, entry)) continue;
    // Another process knows only that nothing is left to deliver.
    if (history.lost.some((entry) => entry.seqId === seqId)) continue;
    if (!isDue || !history.isWrittenAt(seqId)) continue;
    const inboxSeqId = inboxSeqIds.get(`${seqId}@${conversation}`);
    if (inboxSeqId === undefined || inboxSeqId > inboxes.get(user)!)
      fail(`${seqId} of ${conversation} was said to be delivered before the inbox of ${user} had it`);
  }
}

/**
 * A change of a message that is gone, for a user who saw it only in a membership whose leave is gone as well, or was to
 * see it as part of the past.
 */
function isOfForgottenPast({ histories }: Evidence, user: string, { timeline, message }: Entry): boolean {
  const history = histories.get(String(timeline))!;
  if (!('target' in message)) return false;
  const target = BigInt(message.target);
  if (!history.isGone({ seqId: target })) return false;
  return isGonePast(history, user, target) || history.goneLeaves(user, target).length > 0;
}

/** An entry that is gone, from before the user joined. */
function isGonePast(history: History, user: string, seqId: bigint): boolean {
  const isPast = history.periodsOf(user).some(({ joinedAt, from }) => from < seqId && seqId < joinedAt);
  return isPast && history.isGone({ seqId });
}

/** Inboxes hold no body of an edit, of a recalled message, or from before an edit. */
function checkInboxBody({ histories, fail }: Evidence, user: string, { kind, conversation, seqId, body }: Copy): void {
  if (body === undefined) return;
  const history = histories.get(conversation)!;
  const current = kind === 'message' ? history.finally(BigInt(seqId)).body : undefined;
  // A change that was gone before its fan-out has no effect, and no leave that is gone leads to the leaver's inbox.
  const isChangeLost = history.lost.some(({ message }) => 'target' in message && message.target === seqId);
  if (isChangeLost || history.goneLeaves(user, BigInt(seqId)).length > 0) return;
  if (body !== current)
    fail(`the inbox of ${user} holds ${body} for ${kind} ${seqId} of ${conversation}, which is ${current}`);
}
