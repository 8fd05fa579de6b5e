/** The verdict in words: all is there, something is on its way, or a fault. */
import { CHANNEL, nameOf, titleOf } from '../../shared/people.js';
import type { DeliveryCount, DeliveryFault } from '../counting/delivery-counter.js';
import { count, plural, seqIdText } from '../words.js';
import type { App } from './app.js';
import type { Readers } from './readers.js';

export interface Verdict {
  readonly kind: 'none' | 'ok' | 'wait' | 'bad';
  readonly says: string;
  readonly detail: string;
  readonly fault?: DeliveryFault;
}

export function verdictOf(app: App, counted: DeliveryCount, readers: Readers): Verdict {
  const { firstFault } = counted;
  if (firstFault !== undefined) return { kind: 'bad', ...faultWords(app, counted, firstFault), fault: firstFault };
  const { status } = app.supervisor;
  if (status?.server === 'down' && !status.survivesKill && counted.sent > 0)
    return { kind: 'bad', says: `${count(counted.sent)} lost with the memory.`, detail: 'A restart begins anew' };
  const unsent = app.devices.reduce((sum, device) => sum + device.toSend, 0);
  const waiting = app.devices.reduce((sum, { id }) => sum + (counted.devices.get(id)?.waiting ?? 0), 0);
  const isChannel = app.conversation === CHANNEL;
  const behind = isChannel ? (readers.atTail?.behind ?? 0) : 0;
  if (unsent + waiting > 0)
    return {
      kind: 'wait',
      says: `Nothing lost. ${count(unsent + waiting)} on their way.`,
      detail: waitingWords(app, counted),
    };
  if (behind > 0)
    return {
      kind: 'wait',
      says: `Nothing lost. ${plural(behind, 'reader')} behind.`,
      detail: `${count(readers.members - behind)} of ${count(readers.members)} are at the tail`,
    };
  if (counted.sent === 0)
    return { kind: 'none', says: 'Nothing to count yet.', detail: 'The counter starts with the first message' };
  return { kind: 'ok', says: 'Nothing lost. Nothing twice. In order.', detail: 'Checked on each device, by SeqId' };
}

function faultWords(app: App, { lost, repeated, outOfOrder }: DeliveryCount, fault: DeliveryFault) {
  const device = app.devices.find(({ id }) => id === fault.device);
  const who = device === undefined ? fault.device : app.nameOf(device);
  const entry = seqIdText(fault.seqId);
  const detail = `In ${titleOf(fault.conversation, device?.user ?? '')}.`;
  if (fault.kind === 'lost')
    return { says: `${count(Math.max(1, lost))} lost: ${entry} never reached ${who}.`, detail };
  if (fault.kind === 'repeated') return { says: `${count(repeated)} repeated: ${who} got ${entry} twice.`, detail };
  return { says: `${count(outOfOrder)} out of order: ${entry} came late to ${who}.`, detail };
}

/** "4 for Ann, 3 of hers wait on her laptop". */
function waitingWords(app: App, counted: DeliveryCount): string {
  const parts = app.devices.flatMap((device) => {
    const toGet = counted.devices.get(device.id)?.waiting ?? 0;
    const { toSend } = device;
    return [
      ...(toGet > 0 ? [`${count(toGet)} for ${app.nameOf(device)}`] : []),
      ...(toSend > 0 ? [`${plural(toSend, 'waits', 'wait')} on ${nameOf(device.user)}'s ${device.title}`] : []),
    ];
  });
  if (app.supervisor.status?.server === 'down') return 'Kept on the devices until the server is back';
  return parts.join(', ');
}
