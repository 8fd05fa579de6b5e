/** Two lines under the Timeline: where the devices stand. The same in full for a screen reader. */
import { CHANNEL, nameOf } from '../../shared/people.js';
import { count, plural, seqIdText } from '../words.js';
import type { App } from './app.js';
import type { DemoDevice } from './demo-device.js';
import type { Readers } from './readers.js';

export interface TimelineSummary {
  readonly lines: readonly [string, string];
  readonly spoken: string;
}

export function timelineSummary(app: App, devices: readonly DemoDevice[], readers: Readers): TimelineSummary {
  const { conversation } = app;
  if (conversation === undefined || devices.length === 0) return { lines: ['', ''], spoken: '' };
  const positions = devices.map((device) => ({ device, at: device.position(conversation) }));
  const tail = positions.reduce((highest, { at }) => (at > highest ? at : highest), 0n);
  const behind = positions.map(({ device, at }) => ({ device, behind: messagesAfter(devices, conversation, at) }));
  const spoken = positions
    .map(({ device, at }, i) => {
      const missing = behind[i]!.behind;
      return `${app.nameOf(device)} at ${at}${missing > 0 ? `, ${count(missing)} behind` : ''}`;
    })
    .join(', ');
  return { lines: linesOf(app, devices, behind, tail, readers), spoken };
}

function linesOf(
  app: App,
  devices: readonly DemoDevice[],
  behind: readonly { readonly device: DemoDevice; readonly behind: number }[],
  tail: bigint,
  readers: Readers,
): [string, string] {
  if (tail === 0n) {
    const isLoaded = devices.some(({ chat }) => chat.conversation(app.conversation!).isLoaded);
    return isLoaded ? ['Empty', 'No message yet'] : ['Not read yet', ''];
  }
  const unsent = devices.reduce((sum, device) => sum + device.toSend, 0);
  const { status } = app.supervisor;
  if (status?.server === 'down' && !status.survivesKill) return ['Gone', 'It was in memory'];
  if (status?.server === 'down')
    return [
      `On disk up to ${seqIdText(tail)}`,
      unsent === 0 ? 'Nothing waits' : `${plural(unsent, 'waits', 'wait')} on devices`,
    ];
  if (app.conversation === CHANNEL && readers.atTail !== undefined)
    return [`${count(readers.members - readers.atTail.behind)} at the tail`, `${count(readers.atTail.behind)} behind`];
  const slow = behind.filter((item) => item.behind > 0);
  const [first] = slow;
  if (first === undefined)
    return [devices.length === 2 ? 'Both at the tail' : 'All at the tail', `entry ${seqIdText(tail)}`];
  const several = app.devicesOf(first.device.user).length > 1;
  const line = `${nameOf(first.device.user)} is ${count(first.behind)} behind`;
  if (several) return [line, `on the ${first.device.title}`];
  const other = behind.find((item) => item.behind === 0);
  return [
    line,
    other === undefined ? `${plural(slow.length, 'device')} behind` : `${nameOf(other.device.user)} is at the tail`,
  ];
}

/** Messages after a position, as the most advanced device shows them. */
function messagesAfter(devices: readonly DemoDevice[], conversation: string, position: bigint): number {
  return Math.max(
    0,
    ...devices.map((device) => {
      const messages = device.messages(conversation);
      let after = 0;
      for (let i = messages.length - 1; i >= 0; i--) {
        const { seqId } = messages[i]!;
        if (seqId === undefined) continue;
        if (seqId <= position) break;
        after += 1;
      }
      return after;
    }),
  );
}
