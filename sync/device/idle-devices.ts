import type { TimelineId } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import { DeviceRegistry } from './device-registry.js';

/** Returns the time by the store: no single clock may decide that devices are idle. */
export async function storeTime<M>({ state }: Context<M>): Promise<number> {
  const timeline = state.timeline(timelineOf.clock);
  const { seqId } = await timeline.append({ kind: 'state', state: { clock: true } });
  const entry = await timeline.get(seqId, lenient);
  if (state.capabilities.trim) await timeline.trim({ through: seqId - 1n });
  // Another process has trimmed it: that one looks too.
  return entry?.appendedAt ?? 0;
}

/**
 * Forgets the idle devices of all users, and finishes what crashes left. Does nothing without the capability
 * `timelines`.
 */
export async function forgetIdleDevices<M>(context: Context<M>): Promise<void> {
  if (!context.state.capabilities.timelines) return;
  const now = await storeTime(context);
  for await (const id of context.state.timelines()) {
    const user = userOf(id);
    if (user !== undefined) await new DeviceRegistry(context, user).forgetIdle(now);
  }
}

function userOf(id: TimelineId): string | undefined {
  const isOfUser = Array.isArray(id) && id.length === 2 && id[0] === 'devices';
  return isOfUser ? String(id[1]) : undefined;
}
