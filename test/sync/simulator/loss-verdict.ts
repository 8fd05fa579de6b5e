import type { DeviceClient } from './device-client.js';
import type { Evidence } from './evidence.js';

/**
 * No device is told of what was gone before it began, but for a gap behind what it shows, and for what a marker in the
 * inbox tells.
 */
export async function checkLosses({ world, player, histories, fail }: Evidence, user: string): Promise<void> {
  // Markers expire like any inbox entry.
  if (world.setting.expires) return;
  const marked = new Set<string>();
  for await (const { message } of world.sync.timeline(user).scan())
    if (message.kind === 'truncated') marked.add(`${message.seqId}@${message.conversation}`);
  for (const client of player.clients) {
    if (client.user !== user || client.restarts > 0) continue;
    for (const { conversation, through } of client.losses.all) {
      // A join that was gone may be applied late, by a process that had read it before.
      if (histories.get(conversation)!.isUncertain(user)) continue;
      const gone = client.losses.goneAtStart?.get(conversation) ?? 0n;
      if (through > gone || marked.has(`${through}@${conversation}`) || showsBefore(client, conversation, through))
        continue;
      fail(`${client.name} was told that ${conversation} is gone up to ${through}, and it was so before it began`);
    }
  }
}

function showsBefore({ shown, past }: DeviceClient, conversation: string, through: bigint): boolean {
  return [...shown, ...past].some(
    ([name, messages]) => name === conversation && messages.some(({ entrySeqId }) => entrySeqId <= through),
  );
}
