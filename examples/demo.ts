/** A short conversation among four people, one of whom is offline for most of it. */
import type { Chat, Message } from './chat.js';
import { Ledger } from './ledger.js';
import { endOfPage, heading, plural, print, said } from './print.js';

const GROUP = 'harbour walk';
const MEMBERS = ['Ada', 'Ben', 'Chloe', 'Dev'];

const MORNING: readonly Message[] = [
  { from: 'Ada', at: '08:00', text: 'opens the group "harbour walk" for Ben, Chloe and Dev', action: true },
  { from: 'Ada', at: '08:01', text: 'Low tide is at 10:40 on Saturday. Who walks out to the wreck?' },
  { from: 'Chloe', at: '08:03', text: 'Me! I can bring the big thermos.' },
  { from: 'Dev', at: '08:03', text: 'In, if somebody picks me up.' },
  { from: 'Ada', at: '08:05', text: 'I pass your street at 09:30, Dev.' },
  { from: 'Dev', at: '08:06', text: 'Perfect 🌊' },
  { from: 'Chloe', at: '08:10', text: 'Ben? Still on the ferry without reception, I guess.' },
];

const LATER: readonly Message[] = [
  { from: 'Ben', at: '09:15', text: 'Back on land. Read it all. I am in, and I have the tide table.' },
  { from: 'Ada', at: '09:16', text: 'Then we are four.' },
];

export async function runDemo(chat: Chat): Promise<boolean> {
  const ledger = new Ledger();

  heading("Each message goes into the group's Timeline, then into the inbox of every member");
  await sendAll(chat, ledger, MORNING);

  heading("Ben's phone has reception again and pulls what is new, four at a time");
  await pullAll(chat, 'Ben', 'phone', 4);

  heading('The talk goes on …');
  await sendAll(chat, ledger, LATER);

  heading('… and the phone, pulling from its checkpoint, gets the rest only');
  await pullAll(chat, 'Ben', 'phone', 4);

  heading('Chloe sets up a tablet and pages back through the history, newest first');
  for await (const { entries } of chat.history(GROUP).pages({ reverse: true, pageSize: 3, limit: 6 })) {
    for (const { seqId, message } of entries) said(seqId, message);
    endOfPage();
  }

  heading('A client that got no answer sends its message again, with the same key');
  const again = await chat.send(GROUP, MEMBERS, MORNING[1]!, keyOf(MORNING[1]!));
  print(`  still #${again.seqId}, delivered to ${plural(again.delivered, 'more inbox', 'more inboxes')}`);

  heading('Read back from the stores');
  return ledger.verify(chat, GROUP);
}

async function sendAll(chat: Chat, ledger: Ledger, messages: readonly Message[]): Promise<void> {
  for (const message of messages) {
    const sent = await chat.send(GROUP, MEMBERS, message, keyOf(message));
    ledger.record(message, MEMBERS, sent);
    const note = sent.duplicate ? 'was there already' : `→ ${plural(sent.delivered, 'inbox', 'inboxes')}`;
    said(sent.seqId, message, note);
  }
}

async function pullAll(chat: Chat, member: string, device: string, limit: number): Promise<void> {
  for (let pages = 0; ; pages += 1) {
    const page = await chat.pull(member, device, limit);
    if (page.entries.length === 0) return print(pages === 0 ? '  nothing new' : '  nothing more');
    for (const { message: delivery } of page.entries) said(delivery.seqId, delivery);
    await chat.acknowledge(member, device, page.next);
    endOfPage();
  }
}

/** A real client would make a random id when the user presses "send". */
function keyOf(message: Message): string {
  return `${message.from} ${message.at}`;
}
