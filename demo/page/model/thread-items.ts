/** The rows of a thread: messages with the dividers between them. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { dayText, isSameDay, plural } from '../words.js';
import type { Pane } from './pane.js';

export interface MessageItem {
  readonly type: 'message';
  readonly key: string;
  readonly message: ShownMessage<Body>;
  /** It does not follow a message of the same sender. */
  readonly isFirst: boolean;
  /** It arrived in the batch with which the device caught up. */
  readonly isCaughtUp: boolean;
}

export interface DividerItem {
  readonly type: 'day' | 'new' | 'resumed' | 'rebuilt';
  readonly key: string;
  readonly text: string;
}

export type ThreadItem = MessageItem | DividerItem;

export const writtenAt = ({ body, sentAt }: ShownMessage<Body>): number => body?.at ?? sentAt;

export function threadItems(pane: Pane, days: string): ThreadItem[] {
  const { device, conversation, newAfter } = pane;
  if (conversation === undefined) return [];
  const messages = device.messages(conversation);
  const caughtUp = device.lastCaughtUp?.ranges.get(conversation);
  const items: ThreadItem[] = [];
  let previous: ShownMessage<Body> | undefined;
  let hasNew = false;
  let isResumed = false;
  const rebuiltFrom = device.rebuiltFrom(conversation);
  for (const [index, message] of messages.entries()) {
    const { seqId } = message;
    const before = items.length;
    if (rebuiltFrom !== undefined && seqId === rebuiltFrom)
      items.push({
        type: 'rebuilt',
        key: 'rebuilt',
        text: `Rebuilt after ${days} away · last ${messages.length - index} shown`,
      });
    if (
      caughtUp !== undefined &&
      !isResumed &&
      isAfter(seqId, caughtUp.last) &&
      isUpTo(previous?.seqId, caughtUp.last)
    ) {
      isResumed = true;
      items.push(resumed(caughtUp.last, caughtUp.count));
    }
    if (previous === undefined || !isSameDay(writtenAt(previous), writtenAt(message))) {
      const at = writtenAt(message);
      items.push({ type: 'day', key: `day ${message.key}`, text: dayText(at) });
    }
    if (newAfter !== undefined && !hasNew && !message.isOwn && seqId !== undefined && seqId > newAfter) {
      hasNew = true;
      items.push({ type: 'new', key: `new ${newAfter}`, text: newText(messages, newAfter) });
    }
    const isFirst = items.length > before || previous?.sender !== message.sender;
    const isCaughtUp =
      caughtUp !== undefined && seqId !== undefined && seqId >= caughtUp.first && seqId <= caughtUp.last;
    items.push({ type: 'message', key: message.key, message, isFirst, isCaughtUp });
    previous = message;
  }
  if (caughtUp !== undefined && !isResumed && isUpTo(previous?.seqId, caughtUp.last))
    items.push(resumed(caughtUp.last, caughtUp.count));
  return items;
}

const isAfter = (seqId: bigint | undefined, place: bigint): boolean => seqId === undefined || seqId > place;
const isUpTo = (seqId: bigint | undefined, place: bigint): boolean => seqId !== undefined && seqId <= place;

const resumed = (last: bigint, count: number): DividerItem => ({
  type: 'resumed',
  key: `resumed ${last}`,
  text: `Resumed · ${count} caught up`,
});

function newText(messages: readonly ShownMessage<Body>[], newAfter: bigint): string {
  let unread = 0;
  for (let i = messages.length - 1; i >= 0; i--) {
    const { seqId, isOwn } = messages[i]!;
    if (seqId !== undefined && seqId <= newAfter) break;
    if (!isOwn && seqId !== undefined) unread += 1;
  }
  return `${plural(unread, 'new message')}`;
}
