/** One side of the stage: a device, its chosen conversation, and what its owner has seen of it. */
import type { DemoDevice, Person } from './demo-device.js';

export type Side = 'left' | 'right';

export const otherSide = (side: Side): Side => (side === 'left' ? 'right' : 'left');

/** Milliseconds for which the divider of new messages stays once they are read. */
const DIVIDER_STAYS_MS = 4000;

export class Pane {
  readonly side: Side;
  device: DemoDevice;
  conversation: string | undefined;
  /** The message that the composer changes. */
  editing: { readonly seqId: bigint; readonly text: string } | undefined;
  /** On a narrow page: the list instead of the thread. */
  showsList = false;
  /** Texts that are not sent yet, by conversation. */
  readonly drafts = new Map<string, string>();
  /** SeqId after which messages are new, while the divider is shown. */
  newAfter: bigint | undefined;
  #dividerEnds = 0;

  constructor(side: Side, device: DemoDevice) {
    this.side = side;
    this.device = device;
  }

  /** The owner of the device. */
  get person(): Person {
    return this.device.user;
  }

  choose(conversation: string): void {
    if (this.conversation !== conversation) {
      this.conversation = conversation;
      this.editing = undefined;
      this.newAfter = undefined;
    }
    this.showsList = false;
  }

  show(device: DemoDevice): void {
    this.device = device;
    this.editing = undefined;
    this.newAfter = undefined;
  }

  /** Returns true if something was unread. */
  markRead(): boolean {
    const { conversation, device } = this;
    if (conversation === undefined) return false;
    const list = device.chat.conversation(conversation);
    const last = device.position(conversation);
    if (last <= list.readSeqId) return false;
    list.markRead(last);
    this.#dividerEnds = Date.now() + DIVIDER_STAYS_MS;
    return true;
  }

  /** Places the divider before the first message of others that the owner has not read. */
  placeDivider(): void {
    const { conversation, device } = this;
    if (conversation === undefined) return;
    const { readSeqId } = device.chat.conversation(conversation);
    const messages = device.messages(conversation);
    const last = messages.findLast(({ seqId, isOwn }) => seqId !== undefined && !isOwn);
    const hasUnread = last?.seqId !== undefined && last.seqId > readSeqId;
    if (hasUnread && this.newAfter === undefined) this.newAfter = readSeqId;
    if (!hasUnread && this.newAfter !== undefined && Date.now() > this.#dividerEnds) this.newAfter = undefined;
  }
}
