import type { DeviceClient, ShownMessage } from './device-client.js';
import type { Entry, History } from './history.js';

type Event = Pick<ShownMessage, 'seqId' | 'kind' | 'sender' | 'sentAt'> & {
  readonly by: string | undefined;
  readonly users: readonly string[] | undefined;
};

/** Compares a join or leave on a device with its entry. */
export function checkEvent(
  fail: (problem: string) => void,
  client: DeviceClient,
  { conversation }: History,
  { entry: { seqId, message, appendedAt }, event }: { readonly entry: Entry; readonly event: Event },
): void {
  const users = 'users' in message ? message.users : [];
  const by = 'by' in message ? message.by : undefined;
  const should = [seqId, message.kind, users.join(), by, by ?? '', appendedAt].join(' ');
  const does = [event.seqId, event.kind, event.users?.join(), event.by, event.sender, event.sentAt].join(' ');
  if (does !== should)
    fail(`${client.name} is told of ${seqId} of ${conversation} as “${does}” instead of “${should}”`);
}
