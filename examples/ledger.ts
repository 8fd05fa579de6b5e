/** Records the recipients of each message, and compares them with the stores. */
import type { Chat, Message, Sent } from './chat.js';
import { plural, verdict } from './print.js';

interface Item {
  readonly seqId: string;
  readonly message: Message;
}

export class Ledger {
  readonly history: Item[] = [];
  readonly inboxes = new Map<string, Item[]>();
  stored = 0;
  delivered = 0;
  deliveries = 0;

  record(message: Message, members: Iterable<string>, sent: Sent): void {
    const item = { seqId: sent.seqId.toString(), message };
    this.history.push(item);
    for (const member of members) {
      const inbox = this.inboxes.get(member);
      if (inbox) inbox.push(item);
      else this.inboxes.set(member, [item]);
      this.deliveries += 1;
    }
    if (!sent.duplicate) this.stored += 1;
    this.delivered += sent.delivered;
  }

  /** Reads all messages back and prints the result; returns true if they match the ones sent. */
  async verify(chat: Chat, group: string): Promise<boolean> {
    const holds = [await this.verifyHistory(chat, group), await this.verifyInboxes(chat, group)].every(Boolean);
    const repeated = this.history.length - this.stored;
    if (repeated > 0)
      verdict(holds, 'repeats', `${plural(repeated, 'message')} had been sent before and nothing is there twice`);
    return holds;
  }

  private async verifyHistory(chat: Chat, group: string): Promise<boolean> {
    const found: Item[] = [];
    for await (const { entries } of chat.history(group).pages()) {
      for (const { seqId, message } of entries) found.push({ seqId: seqId.toString(), message });
    }
    const same = sameItems(found, this.history);
    const counts = `${plural(found.length, 'message')} read back, ${plural(this.history.length, 'message')} sent`;
    verdict(same, 'history', `${counts}, order and text ${same ? 'the same' : 'differ'}`);
    return same;
  }

  private async verifyInboxes(chat: Chat, group: string): Promise<boolean> {
    const wrong: string[] = [];
    let read = 0;
    for (const [member, sent] of this.inboxes) {
      const { items, expired } = await readInbox(chat, member, group);
      read += items.length;
      // Expired entries are missing only at the front.
      const expected = expired ? sent.slice(sent.length - items.length) : sent;
      if (!sameItems(items, expected)) wrong.push(member);
    }
    const counts = `${plural(this.inboxes.size, 'inbox', 'inboxes')}, ${plural(read, 'message')} read back`;
    const finding =
      wrong.length > 0 ? `wrong: ${wrong.join(', ')}` : 'each holds what was sent while its member was present';
    verdict(wrong.length === 0, 'inboxes', `${counts}, ${finding}`);
    return wrong.length === 0;
  }
}

async function readInbox(chat: Chat, member: string, group: string): Promise<{ items: Item[]; expired: boolean }> {
  const items: Item[] = [];
  for await (const { entries } of chat.inbox(member).pages({ pageSize: 1000 })) {
    for (const { message: delivery } of entries) {
      if (delivery.group === group) items.push({ seqId: delivery.seqId, message: delivery });
    }
  }
  const { firstSeqId } = await chat.inbox(member).head();
  return { items, expired: firstSeqId > 1n };
}

function sameItems(found: readonly Item[], expected: readonly Item[]): boolean {
  return found.length === expected.length && found.every((item, index) => sameItem(item, expected[index]!));
}

function sameItem({ seqId, message }: Item, expected: Item): boolean {
  const { from, at, text, action } = expected.message;
  return (
    seqId === expected.seqId &&
    message.from === from &&
    message.at === at &&
    message.text === text &&
    message.action === action
  );
}
