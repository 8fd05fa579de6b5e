/** Records the recipients of each message of a conversation, and compares them with the stores. */
import { isDeepStrictEqual } from 'node:util';
import type { ChatMessage, MessageSync, Sent, SyncMessage } from 'timeline-model/sync';
import { history, type SentText, type Text } from './chat.js';
import { plural, verdict } from './print.js';

interface Item {
  readonly seqId: bigint;
  readonly sender: string;
  /** Absent: recalled. */
  body?: Text | undefined;
}

export class Ledger {
  readonly items: Item[] = [];
  readonly inboxes = new Map<string, Item[]>();
  stored = 0;
  delivered = 0;
  deliveries = 0;
  readonly conversation: string;
  readonly #chat: MessageSync<Text>;

  constructor(chat: MessageSync<Text>, conversation: string) {
    this.#chat = chat;
    this.conversation = conversation;
  }

  /** Records a message to `members`. */
  record({ sender, body }: SentText, members: Iterable<string>, { seqId, duplicate }: Sent): void {
    const item = { seqId, sender, body };
    this.items.push(item);
    for (const member of members) {
      const inbox = this.inboxes.get(member);
      if (inbox) inbox.push(item);
      else this.inboxes.set(member, [item]);
      this.deliveries += 1;
    }
    if (!duplicate) this.stored += 1;
  }

  /** Waits until the messages are delivered. Returns the number of inboxes that this process wrote. */
  async recordDeliveries(sent: readonly Sent[]): Promise<number> {
    let written = 0;
    for (const { delivered } of sent) written += (await delivered).recipients;
    this.delivered += written;
    return written;
  }

  seqIdOf(message: SentText): bigint {
    const item = this.items.find(({ sender, body }) => sender === message.sender && body === message.body);
    if (!item) throw new Error(`not recorded: ${message.body.text}`);
    return item.seqId;
  }

  /** Records an edit; without `body`, a recall. */
  change(seqId: bigint, body?: Text): void {
    for (const item of this.items) if (item.seqId === seqId) item.body = body;
  }

  /** Reads all messages back and prints the result; returns true if they match the ones sent. */
  async verify(): Promise<boolean> {
    const holds = [await this.#verifyHistory(), await this.#verifyInboxes()].every(Boolean);
    const repeated = this.items.length - this.stored;
    if (repeated > 0)
      verdict(holds, 'repeats', `${plural(repeated, 'message')} sent again, and nothing is there twice`);
    return holds;
  }

  /** Compares what a new tab of the member gets with what was sent to the member. */
  async compareInbox(member: string): Promise<{ found: number; same: boolean }> {
    const items = await this.#readAsNewTab(member);
    return { found: items.length, same: isDeepStrictEqual(items, this.inboxes.get(member) ?? []) };
  }

  async #verifyHistory(): Promise<boolean> {
    const found: Item[] = [];
    for await (const message of history(this.#chat, this.conversation)) found.push(itemOf(message));
    const same = isDeepStrictEqual(found, this.items);
    const finding = same ? 'in the order and with the text sent' : `differ from the ${this.items.length} sent`;
    verdict(same, 'history', `${plural(found.length, 'message')}, ${finding}`);
    return same;
  }

  async #verifyInboxes(): Promise<boolean> {
    const wrong: string[] = [];
    let read = 0;
    for (const member of this.inboxes.keys()) {
      const { found, same } = await this.compareInbox(member);
      read += found;
      if (!same) wrong.push(member);
    }
    const finding = wrong.length > 0 ? `wrong: ${wrong.join(', ')}` : 'each as sent while its member was there';
    const counts = `${plural(this.inboxes.size, 'inbox', 'inboxes')}, ${plural(read, 'message')}`;
    verdict(wrong.length === 0, 'inboxes', `${counts}, ${finding}`);
    return wrong.length === 0;
  }

  /** Returns the messages that a new tab of the member gets, with edits and recalls applied. A tab stores nothing. */
  async #readAsNewTab(member: string): Promise<Item[]> {
    const items: Item[] = [];
    const tab = this.#chat.device(member, 'tab');
    for (let after = '', upToDate = false; !upToDate; ) {
      const page = await tab.pull({ after, limit: 10_000 });
      for (const message of page.messages) {
        if (message.conversation !== this.conversation) continue;
        if (message.kind === 'message') items.push(itemOf(message));
        else change(items, message);
      }
      after = page.cursor;
      upToDate = page.upToDate;
    }
    return items;
  }
}

function itemOf({ seqId, sender, body }: ChatMessage<Text>): Item {
  return { seqId, sender, body };
}

function change(items: readonly Item[], message: SyncMessage<Text>): void {
  if (message.kind !== 'edit' && message.kind !== 'recall') return;
  const item = items.find(({ seqId }) => seqId === message.seqId);
  if (item) item.body = message.kind === 'edit' ? message.body : undefined;
}
