import type { Device, MessageSync, SyncMessage } from '../../../sync/index.js';

/** Sends, and waits until every inbox has it. Resolves with its place. */
export async function say(
  sync: MessageSync<string>,
  conversation: string,
  sender: string,
  ...bodies: string[]
): Promise<bigint> {
  let last = 0n;
  for (const body of bodies) {
    const { seqId, delivered } = await sync.send({ conversation, sender, body });
    await delivered;
    last = seqId;
  }
  return last;
}

/** Everything there is for the device, acknowledged page by page. */
export async function drain(device: Device<string>, limit = 100): Promise<SyncMessage<string>[]> {
  const messages: SyncMessage<string>[] = [];
  for (;;) {
    const page = await device.pull({ limit });
    messages.push(...page.messages);
    await device.ack(page.cursor);
    if (page.upToDate) return messages;
  }
}

/** A message in a word: what it says, or what it does to which. */
export function inShort(message: SyncMessage<string>): string {
  const { kind, seqId } = message;
  if (kind === 'message') return message.recalled ? `(recalled ${seqId})` : String(message.body);
  return kind === 'edit' ? `edit ${seqId}: ${message.body}` : `${kind} ${seqId}`;
}

/** The body of a message or an edit; other kinds have none. */
export function bodyOf<M>(message: SyncMessage<M>): M | undefined {
  return message.kind === 'message' || message.kind === 'edit' ? message.body : undefined;
}

export const shortly = (messages: readonly SyncMessage<string>[]) => messages.map(inShort);

/** The first `count` of a stream, which is then ended. */
export async function take<T>(stream: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const item of stream) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export const numbered = (count: number, prefix = 'm') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
