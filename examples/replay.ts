/** Replays an IRC log: whoever comes and goes joins and leaves, and each message is sent by its sender. */
import { basename, extname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { MessageSync, Sent } from 'timeline-model/sync';
import { history, pages, type SentText, type Text } from './chat.js';
import { type IrcLine, type IrcLog, withPresence } from './irc.js';
import { printAccount } from './irc-account.js';
import { Ledger } from './ledger.js';
import { count, endProgress, field, heading, plural, print, progress, rate, said } from './print.js';
import { UsageError } from './usage-error.js';

const DEVICE = 'phone';
/** Messages that may wait for their delivery at once. */
const UNDER_WAY = 500;

type IrcMessage = Extract<IrcLine, { kind: 'message' }>;

export async function runReplay(chat: MessageSync<Text>, file: string, log: IrcLog): Promise<boolean> {
  const group = basename(file, extname(file));
  const accounted = printAccount(log);

  heading(`Replay into the group "${group}"`);
  await refuseOtherLog(chat, group, log);
  const ledger = new Ledger(chat, group);
  const begun = performance.now();
  await replay(chat, group, log, ledger);
  const seconds = (performance.now() - begun) / 1000;
  field('stored', ledger.stored, already(ledger.items.length - ledger.stored));
  field('delivered', ledger.delivered, already(ledger.deliveries - ledger.delivered));
  field('inboxes', ledger.inboxes.size);
  field(
    'rate',
    `${rate(ledger.items.length, seconds)} messages, ${rate(ledger.deliveries, seconds)} deliveries a second`,
  );

  const reader = busiest(ledger);
  if (reader !== undefined) {
    heading(`${reader}'s ${DEVICE} pulls what is new since its checkpoint`);
    await pullAll(chat, reader);
    heading('The last of the history');
    const { messages } = await chat.messages(group, { user: reader, limit: 5 });
    for (const { seqId, sender, body } of messages) said(seqId, sender, body);
  }

  heading('Read back from the stores');
  return (await ledger.verify()) && accounted;
}

/** Sends each message, and joins and leaves before it, with a key of its line: a repetition writes nothing twice. */
async function replay(chat: MessageSync<Text>, group: string, { lines }: IrcLog, ledger: Ledger): Promise<void> {
  const members = new Set<string>();
  let stored: Sent[] = [];
  let sending: { readonly message: SentText; readonly sent: Promise<Sent> }[] = [];

  const settle = async () => {
    const sent = await Promise.all(sending.map((each) => each.sent));
    for (const [i, each] of sending.entries()) ledger.record(each.message, members, sent[i]!);
    stored.push(...sent);
    sending = [];
    if (stored.length < UNDER_WAY) return;
    await ledger.recordDeliveries(stored);
    stored = [];
  };

  for (const { line, present } of withPresence(lines)) {
    if (line.kind !== 'message') continue;
    const key = `line ${line.number}`;
    const left = [...members].filter((nick) => !present.has(nick));
    const joined = [...present].filter((nick) => !members.has(nick));
    if (left.length > 0 || joined.length > 0 || sending.length >= UNDER_WAY) {
      // Calls under way have no order between messages and joins.
      await settle();
      progress(`line ${count(line.number)} of ${count(lines.length)}`);
    }
    if (left.length > 0) await chat.leave(group, left, { key });
    if (joined.length > 0) await chat.join(group, joined, { key });
    for (const nick of left) members.delete(nick);
    for (const nick of joined) members.add(nick);
    const message = { sender: line.nick, body: textOf(line) };
    sending.push({ message, sent: chat.send({ conversation: group, ...message, key }) });
  }
  await settle();
  await ledger.recordDeliveries(stored);
  endProgress();
}

/** Compares the group with the log before anything is written. It may hold the beginning of the log. */
async function refuseOtherLog(chat: MessageSync<Text>, group: string, { lines }: IrcLog): Promise<void> {
  const messages = lines.filter((line) => line.kind === 'message');
  let i = 0;
  for await (const { sender, body } of history(chat, group)) {
    const line = messages[i++];
    if (line && isDeepStrictEqual({ sender, body }, { sender: line.nick, body: textOf(line) })) continue;
    const difference = line ? `line ${line.number} differs` : 'a longer one';
    throw new UsageError(`this database holds another log of the name "${group}": ${difference}`);
  }
}

function textOf({ at, text, action }: IrcMessage): Text {
  return { at, text, ...(action && { action }) };
}

async function pullAll(chat: MessageSync<Text>, member: string): Promise<void> {
  let count = 0;
  let found = 0;
  for await (const messages of pages(chat.device(member, DEVICE), 500)) {
    count += 1;
    found += messages.length;
  }
  const pulled = `${plural(found, 'message')} in ${plural(count, 'page')}; its checkpoint is at the last of them`;
  print(found === 0 ? '  nothing new' : `  ${pulled}`);
}

function busiest({ items }: Ledger): string | undefined {
  const spoken = new Map<string, number>();
  for (const { sender } of items) spoken.set(sender, (spoken.get(sender) ?? 0) + 1);
  return [...spoken].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function already(duplicates: number): string {
  return duplicates > 0 ? `${count(duplicates)} were there already` : '';
}
