/** Fills the conversations that the demo begins with. Keys make a second start add nothing. */
import type { MessageSync } from 'timeline-model/sync';
import type { Body } from '../../shared/bodies.js';
import { CHANNEL, CONVERSATIONS, LUNCH } from '../../shared/people.js';
import { LUNCH_CHANGES, MUTED, SEEDS, type SeedLine, UNREAD } from './seed-texts.js';

const DAY_MS = 24 * 3_600_000;

/** Resolves once every conversation has its members and messages; {@link joinReaders} adds those of the channel. */
export async function seed(chat: MessageSync<Body>): Promise<void> {
  if (await chat.isMember(LUNCH, 'cem')) return;
  for (const { id, members } of CONVERSATIONS) {
    await (await chat.join(id, members, { key: 'seed' })).delivered;
    const seqIds = await sendAll(chat, id, SEEDS[id] ?? []);
    if (id === LUNCH) await change(chat, seqIds);
    for (const user of members) await markRead(chat, user, id, [...seqIds.values()]);
  }
  for (const [user, conversation] of MUTED) await chat.configure(user, conversation, { muted: true });
}

/** Names of the channel's readers beside Ann and Bob. */
export const readerNames = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `reader-${String(i + 1).padStart(4, '0')}`);

/** Makes the readers members of the channel: some of them again do no harm. */
export async function joinReaders(chat: MessageSync<Body>, readers: readonly string[]): Promise<void> {
  const CHUNK = 500;
  for (let start = 0; start < readers.length; start += CHUNK) {
    const part = readers.slice(start, start + CHUNK);
    await (await chat.join(CHANNEL, part, { key: `readers-${start}` })).delivered;
  }
}

async function sendAll(
  chat: MessageSync<Body>,
  conversation: string,
  lines: readonly SeedLine[],
): Promise<Map<string, bigint>> {
  const sent = await Promise.all(
    lines.map(({ sender, text, daysAgo, time }, i) =>
      chat.send({ conversation, sender, body: { text, at: timeOf(daysAgo, time) }, key: `seed-${i}` }),
    ),
  );
  await Promise.all(sent.map(({ delivered }) => delivered));
  return new Map(lines.map(({ text }, i) => [text, sent[i]!.seqId]));
}

async function markRead(
  chat: MessageSync<Body>,
  user: string,
  conversation: string,
  seqIds: readonly bigint[],
): Promise<void> {
  const last = seqIds.at(-1 - (UNREAD[user]?.[conversation] ?? 0));
  if (last !== undefined) await chat.markRead(user, conversation, last);
}

function timeOf(daysAgo: number, time: string): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number];
  const at = new Date(Date.now() - daysAgo * DAY_MS).setHours(hours, minutes, 0, 0);
  // No message of today is from later today.
  return Math.min(at, Date.now());
}

async function change(chat: MessageSync<Body>, seqIds: ReadonlyMap<string, bigint>): Promise<void> {
  const { recalled, edited, reactions } = LUNCH_CHANGES;
  const [before, after] = edited;
  await (await chat.recall(LUNCH, seqIds.get(recalled)!, { by: 'ann' })).delivered;
  const body = { text: after, at: timeOf(0, '9:09') };
  await (await chat.edit(LUNCH, seqIds.get(before)!, body, { key: 'seed', by: 'ann' })).delivered;
  for (const [text, sender, reaction] of reactions) {
    const relatesTo = seqIds.get(text)!;
    await chat.send({
      conversation: LUNCH,
      sender,
      body: { text: '', reaction },
      countable: false,
      relatesTo,
      key: `seed-reaction-${relatesTo}-${sender}`,
    });
  }
}
