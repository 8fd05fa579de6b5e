/** Opens message synchronisation for the chat, and reads what a device or a conversation holds. */
import {
  type ChatMessage,
  type Device,
  hybridDiffusion,
  type MessageSync,
  openMessageSync,
  type SyncMessage,
} from 'timeline-model/sync';
import { KEPT_MS } from './kept.js';
import type { OpenStore } from './open-store.js';

/** The body of a message. */
export interface Text {
  readonly at: string;
  readonly text: string;
  /** "Ada waves" rather than "Ada: waves". */
  readonly action?: true;
}

export interface SentText {
  readonly sender: string;
  readonly body: Text;
}

/** The conversation that is read from one place, however few its readers are. */
export const CHANNEL = 'ferry times';

/** Opens the libraries of the chat in a store, and finishes the deliveries of a process that died. */
export async function openChat({ adapter, inboxes = adapter, name }: OpenStore): Promise<MessageSync<Text>> {
  const chat = await openMessageSync<Text>({
    adapter: { store: adapter, sync: inboxes },
    name,
    ttlMs: KEPT_MS,
    diffusion: hybridDiffusion({ overrides: { [CHANNEL]: 'read' } }),
  });
  await chat.recover();
  return chat;
}

/** Yields pages that the device has not acknowledged, and acknowledges each once the caller has taken it. */
export async function* pages(device: Device<Text>, limit: number): AsyncGenerator<readonly SyncMessage<Text>[]> {
  for (;;) {
    const { messages, cursor, upToDate } = await device.pull({ limit });
    if (messages.length > 0) yield messages;
    await device.ack(cursor);
    if (upToDate) return;
  }
}

/** Yields all messages of a conversation, oldest first. */
export async function* history(chat: MessageSync<Text>, conversation: string): AsyncGenerator<ChatMessage<Text>> {
  for (let after: string | bigint = 0n; ; ) {
    const page = await chat.messages(conversation, { after, limit: 1000 });
    yield* page.messages;
    if (page.upToDate) return;
    after = page.after;
  }
}
