import type { Device, SyncMessage } from '../../../sync/index.js';
import { shortly } from './people.js';

/** Acknowledges page by page; the furthest loss of each conversation, and the messages. */
export async function drainTold(device: Device<string>, limit: number) {
  const told = new Map<string, bigint>();
  const messages: SyncMessage<string>[] = [];
  for (;;) {
    const page = await device.pull({ limit });
    for (const { conversation, through } of page.truncated ?? []) told.set(conversation, through);
    messages.push(...page.messages);
    await device.ack(page.cursor);
    if (page.upToDate) return { told: Object.fromEntries(told), messages: shortly(messages) };
  }
}

export const told = (conversation: string, through: bigint) => [{ conversation, through }];
