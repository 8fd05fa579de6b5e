/** A group of four, one of whom is offline for most of the talk, and a channel with many readers. */
import type { Device, MessageSync, Sent, SyncMessage } from 'timeline-model/sync';
import { CHANNEL, pages, type SentText, type Text } from './chat.js';
import { Ledger } from './ledger.js';
import { count, dim, endOfPage, heading, plural, print, said, verdict } from './print.js';
import * as script from './script.js';

const { GROUP } = script;

export async function runDemo(chat: MessageSync<Text>): Promise<boolean> {
  const group = new Ledger(chat, GROUP);
  const channel = new Ledger(chat, CHANNEL);
  const phone = chat.device('Ben', 'phone');
  const laptop = chat.device('Chloe', 'laptop', { start: 'now' });

  heading('Each message to the group is copied to the inbox of every member');
  await chat.join(GROUP, script.MEMBERS, { key: 'founders' });
  for (const message of script.MORNING) await say(chat, group, message, script.MEMBERS);

  heading(`A message to a channel of ${count(script.READERS.length)} readers is stored once, and read from there`);
  await (await chat.join(CHANNEL, script.READERS, { key: 'readers' })).delivered;
  await say(chat, channel, script.FERRY, [script.READER]);

  heading("Ben's phone has reception again and pulls what is new, four at a time");
  await pullAll(phone);

  heading('Ada corrects a message and Chloe takes one back: Ben has both, and hears of it');
  const lowTide = group.seqIdOf(script.LOW_TIDE);
  const impatient = group.seqIdOf(script.IMPATIENT);
  await (await chat.edit(GROUP, lowTide, script.CORRECTION, { by: 'Ada', key: 'correction' })).delivered;
  await (await chat.recall(GROUP, impatient, { by: 'Chloe' })).delivered;
  group.change(lowTide, script.CORRECTION);
  group.change(impatient);
  await pullAll(phone);

  heading("The talk goes on, and wakes Chloe's laptop, which stays connected");
  await pullAll(laptop);
  const connection = new AbortController();
  const live = laptop.subscribe({ signal: connection.signal })[Symbol.asyncIterator]();
  let next = live.next();
  for (const message of script.LATER) {
    const { duplicate } = await say(chat, group, message, script.MEMBERS);
    if (duplicate) continue;
    const { value } = await next;
    print(dim(`          the laptop has ${value.sender}'s message`));
    await laptop.ack(value.cursor);
    next = live.next();
  }
  next.catch(() => undefined);
  connection.abort();

  heading('Chloe pages back through the history');
  let before: string | undefined;
  for (let i = 0; i < 2; i += 1) {
    const page = await chat.messages(GROUP, { user: 'Chloe', before, limit: 3 });
    page.messages.forEach(show);
    endOfPage();
    before = page.before;
  }

  heading("Ben's conversations, on any of his devices");
  await chat.markRead('Ben', GROUP, impatient);
  for await (const { conversation, last, unread } of chat.conversations('Ben'))
    print(`  ${conversation.padEnd(14)}${plural(unread, 'unread message')}, the last by ${last?.sender}`);

  heading('A client that got no answer sends its message again, with the same key');
  const again = await chat.send({ conversation: GROUP, ...script.LOW_TIDE, key: keyOf(script.LOW_TIDE) });
  await again.delivered;
  const { messages } = await laptop.pull();
  print(`  still #${again.seqId}, and the laptop gets ${plural(messages.length, 'new message')}`);

  heading('Read back from the stores');
  const holds = await group.verify();
  const { same } = await channel.compareInbox(script.READER);
  verdict(same, 'channel', `a new tab of ${script.READER} gets its message, once`);
  return holds && same;
}

/** Sends a message, and waits until it is delivered. */
async function say(
  chat: MessageSync<Text>,
  ledger: Ledger,
  message: SentText,
  members: readonly string[],
): Promise<Sent> {
  const sent = await chat.send({ conversation: ledger.conversation, ...message, key: keyOf(message) });
  ledger.record(message, members, sent);
  const copies = await ledger.recordDeliveries([sent]);
  const note = sent.duplicate ? 'there already' : `→ ${plural(copies, 'inbox', 'inboxes')}`;
  said(sent.seqId, message.sender, message.body, note);
  return sent;
}

async function pullAll(device: Device<Text>): Promise<void> {
  let shown = 0;
  for await (const messages of pages(device, 4)) {
    messages.forEach(show);
    endOfPage();
    shown += messages.length;
  }
  print(shown === 0 ? '  nothing new' : '  nothing more');
}

function show(message: SyncMessage<Text>): void {
  const { kind, seqId, sender } = message;
  if (kind === 'message' || kind === 'edit') said(seqId, sender, message.body, kind === 'edit' ? 'edited' : '');
  else if (kind === 'recall') said(seqId, sender, undefined, '');
}

/** A real client would make a random id when the user presses "send". */
function keyOf({ sender, body }: SentText): string {
  return `${sender} ${body.at}`;
}
