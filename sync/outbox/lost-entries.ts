import { type LostEntries, truncationMarker } from '../inbox/truncation-marker.js';
import { changesBetween, type EffectiveMode, heldSince, recordMode } from '../modes/conversation-modes.js';
import { tagOf } from '../shared/epochs.js';
import { each } from '../shared/listing.js';
import { type FanOutTarget, markChange } from './mode-change.js';

/**
 * Passes entries that were trimmed, or have expired, before their fan-out, and returns the mode behind them. In write
 * mode the inboxes of the members get a marker that tells of them; in read mode devices find out themselves.
 *
 * A mode marker among them counts as never appended, unless its change has begun: some devices have switched then, so
 * the change is completed, under the same keys. The mode is recorded again behind the loss, so that no late record of
 * a process that died comes after it.
 */
export async function passLostEntries<M>(
  target: FanOutTarget<M>,
  lost: LostEntries,
  before: EffectiveMode,
): Promise<EffectiveMode> {
  const { context, conversation } = target;
  const { state, store } = context;
  let mode = before;
  let { after } = lost;
  const changes = await changesBetween(state, conversation, lost, await store.timeline(conversation).head());
  for (const change of changes) {
    const { isDone, markerKey, mode: changed, since, heldSince: held } = change;
    // Devices pass markers up to where entries are lost: one that is still to come has to be behind that.
    await tellOfLoss(target, { ...lost, after, through: isDone ? since : since - 1n }, mode);
    const next = { mode: changed, since, heldSince: held };
    if (!isDone && markerKey !== undefined)
      await markChange(target, { before: mode, next, markerKey, epoch: lost.epoch });
    mode = next;
    after = change.since;
  }
  await tellOfLoss(target, { ...lost, after }, mode);
  // Recorded by the change itself, or by another process that passed the same loss.
  if (changes.at(-1)?.isDone && mode.since === lost.through) return mode;
  const behind = { mode: mode.mode, since: lost.through, heldSince: heldSince(mode) };
  await recordMode(state, conversation, { ...behind, epoch: tagOf(lost.epoch), isDone: true });
  return behind;
}

async function tellOfLoss<M>(
  { context, conversation, inboxes }: FanOutTarget<M>,
  lost: LostEntries,
  { mode }: EffectiveMode,
): Promise<void> {
  if (mode === 'read' || lost.after >= lost.through) return;
  const members = each(context.directory.members(conversation, { at: lost.through }));
  await inboxes.write(truncationMarker(lost), members);
}
