import { type Cursor, epochOf, seqIdOf } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { keptEntries } from '../shared/kept-entries.js';
import { each } from '../shared/listing.js';

/** Members of the largest conversation whose senders get receipts. */
const MAX_MEMBERS = 100;
/** Entries before the new position whose senders get a receipt. */
const MAX_ENTRIES = 1000;

interface ReadRange {
  readonly conversation: string;
  readonly reader: string;
  /** SeqId of the read position that stands. */
  readonly after: bigint;
  /** The read position to come. */
  readonly to: Cursor;
}

/**
 * Tells the senders of messages that a member has read them, with one inbox entry for each. Precedes the new read
 * position: a repetition after a crash finds the same senders, and the key makes it one entry.
 */
export async function sendReceipts<M>(
  context: Context<M>,
  { conversation, reader, after, to }: ReadRange,
): Promise<void> {
  if (!context.receipts) return;
  const members = await fewMembers(context, conversation);
  if (!members?.has(reader)) return;
  const senders = await sendersBetween(context, conversation, after, seqIdOf(to));
  const others = [...senders].filter((sender) => sender !== reader && members.has(sender));
  if (others.length === 0) return;
  const seqId = String(seqIdOf(to));
  const key = `receipt:${seqId}.${epochOf(to)}:${reader.length}:${reader}@${conversation}`;
  const entry = { kind: 'receipt', conversation, seqId, reader, position: to } as const;
  const outcomes = await context.sync.appendToMany(others, entry, { key });
  for (const outcome of outcomes) if (!outcome.ok && outcome.error.retryable) throw outcome.error;
}

/** Returns the members; `undefined` if there are more than {@link MAX_MEMBERS}. */
async function fewMembers<M>({ directory }: Context<M>, conversation: string): Promise<Set<string> | undefined> {
  const members = new Set<string>();
  for await (const member of each(directory.members(conversation)))
    if (members.add(member).size > MAX_MEMBERS) return undefined;
  return members;
}

async function sendersBetween<M>(
  { store }: Context<M>,
  conversation: string,
  after: bigint,
  through: bigint,
): Promise<Set<string>> {
  const senders = new Set<string>();
  const range = { after, before: through + 1n, reverse: true, limit: MAX_ENTRIES };
  for await (const { message, deleted } of keptEntries(store.timeline(conversation), range))
    if (!deleted && message.kind === 'message') senders.add(message.sender);
  return senders;
}
