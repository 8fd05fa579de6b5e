import type { DeliveryReport } from '../inbox/backlog.js';
import type { InboxWriter } from '../inbox/inbox-writer.js';
import { type EffectiveMode, heldSince, recordMode } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import { each } from '../shared/listing.js';
import { closedError } from './outbox-errors.js';

/** A conversation on its way to inboxes. */
export interface FanOutTarget<M> {
  readonly context: Context<M>;
  readonly conversation: string;
  readonly inboxes: InboxWriter<M>;
}

export interface MarkedChange {
  readonly before: EffectiveMode;
  readonly next: EffectiveMode;
  /** Key of the marker in inboxes. */
  readonly markerKey: string;
  /** Epoch of the conversation. */
  readonly epoch: string;
}

/**
 * Puts the marker of a mode change into the inboxes of the members. A change to read mode counts only once every inbox
 * has it: devices that look the mode up rely on that. Idempotent.
 */
export async function markChange<M>(
  { context, conversation, inboxes }: FanOutTarget<M>,
  { before, next, markerKey, epoch }: MarkedChange,
): Promise<DeliveryReport> {
  const { state, directory, closing } = context;
  const seqId = String(next.since);
  const change = { ...next, epoch: tagOf(epoch) };
  await recordMode(state, conversation, { ...change, isDone: false, markerKey });
  const marker = { kind: 'mode', mode: next.mode, conversation, epoch, seqId } as const;
  const message = { ...marker, ...(next.mode === 'write' && { from: String(heldSince(before)) }) };
  const members = each(directory.members(conversation, { at: next.since }));
  const report = await inboxes.write({ seqId: next.since, key: markerKey, message }, members);
  if (next.mode === 'read') await inboxes.drained();
  if (closing.aborted && inboxes.firstMissing !== undefined) throw closedError();
  await recordMode(state, conversation, { ...change, isDone: true });
  return report;
}
