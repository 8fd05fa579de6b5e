/**
 * Message synchronisation: a small group and a large channel with hybrid diffusion, devices that pull, one that
 * subscribes, an edit, a recall, unread counts. Run `npm run example:messenger`.
 */
import { join } from 'node:path';
import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
import {
  createSync,
  type Device,
  hybridDiffusion,
  type Stored,
  type Synced,
  type SyncMessage,
  timelineDirectory,
} from 'timeline-model/sync';
import { bold, clip, heading, plural, print, verdict } from './print.js';
import { temporaryFolder } from './temporary-folder.js';

const DAY_MS = 24 * 3600 * 1000;
const FRIENDS = ['ada', 'ben', 'chloe'];
const FANS = Array.from({ length: 1000 }, (_, i) => `fan-${i + 1}`);

const adapter = sqliteAdapter(join(temporaryFolder(), 'messenger.db'), { synchronous: 'normal' });

const store = await openTimelineStore<Stored<string>>({ adapter, name: 'conversations' });
const sync = await openTimelineStore<Synced<string>>({ adapter, name: 'inboxes', ttlMs: 30 * DAY_MS });
const chat = createSync<string>({ store, sync, directory: timelineDirectory({ store }), diffusion: hybridDiffusion() });
// Finish the deliveries of a process that died.
await chat.recover();

function show({ kind, conversation, seqId, sender, body, recalled }: SyncMessage<string>): void {
  const text = recalled ? '(taken back)' : (body ?? '');
  const place = `${clip(conversation, 8).padEnd(9)}${`#${seqId}`.padStart(5)}`;
  print(`  ${place}  ${kind.padEnd(8)}${bold(clip(sender, 10).padEnd(11))}${text}`);
}

/** Pulls and acknowledges pages until none is left. */
async function catchUp(device: Device<string>): Promise<number> {
  for (let shown = 0; ; ) {
    const page = await device.pull({ limit: 10 });
    page.messages.forEach(show);
    shown += page.messages.length;
    await device.ack(page.cursor);
    if (page.upToDate) return shown;
  }
}

heading('Three friends in a group, a thousand fans and Ada in a channel');
await (await chat.join('friends', FRIENDS)).delivered;
await (await chat.join('channel', ['ada', ...FANS])).delivered;
const lunch = await chat.send({ conversation: 'friends', sender: 'ada', body: 'Lunch at noon?', key: 'ada-1' });
const news = await chat.send({ conversation: 'channel', sender: 'ada', body: 'The album is out!', key: 'ada-2' });
print(`  friends   copied to ${plural((await lunch.delivered).recipients, 'inbox', 'inboxes')} (write diffusion)`);
const copies = plural((await news.delivered).recipients, 'inbox', 'inboxes');
print(`  channel   copied to ${copies}: members read it (read diffusion)`);

heading("Ben's phone and fan 7's tablet pull what is new");
const phone = chat.device('ben', 'phone');
const seenByBen = await catchUp(phone);
const seenByFan = await catchUp(chat.device('fan-7', 'tablet'));

heading('Ada corrects herself; Chloe thinks better of it. Phones that have the messages hear of it');
const maybe = await chat.send({ conversation: 'friends', sender: 'chloe', body: 'I hate noon', key: 'chloe-1' });
await catchUp(phone);
await (await chat.edit('friends', lunch.seqId, 'Lunch at one?')).delivered;
await (await chat.recall('friends', maybe.seqId)).delivered;
await catchUp(phone);

heading('A client that got no answer sends again, with the same key');
const again = await chat.send({ conversation: 'friends', sender: 'ada', body: 'Lunch at noon?', key: 'ada-1' });
const repeated = plural((await phone.pull()).messages.length, 'new message');
print(`  still #${again.seqId}, and in nobody's inbox twice: ${repeated}`);

heading("Ben's conversations, on any of his devices");
let unread = 0;
for await (const { conversation, last, unread: count } of chat.conversations('ben')) {
  print(`  ${conversation.padEnd(10)}${plural(count, 'unread message')}, the last by ${last?.sender}`);
  unread += count;
}
const readUpTo = await chat.markRead('ben', 'friends', lunch.seqId);
print(`  read up to #${readUpTo}`);

heading('A laptop that stays connected is woken');
const laptop = chat.device('chloe', 'laptop', { start: 'now' });
await laptop.ack((await laptop.pull()).cursor);
const sending = chat.send({ conversation: 'friends', sender: 'ben', body: 'One is fine' });
const woken: SyncMessage<string>[] = [];
for await (const message of laptop.subscribe()) {
  show(message);
  woken.push(message);
  await laptop.ack(message.cursor);
  break;
}
await (await sending).delivered;

heading('Checked');
const checks = [
  [seenByBen === 1 && seenByFan === 1, 'once', 'every device got the message of its conversation once'],
  [again.duplicate && again.seqId === lunch.seqId, 'repeats', 'the repeated message is the first one'],
  [unread === 1, 'unread', "what was taken back and one's own messages do not count"],
  [woken[0]?.body === 'One is fine', 'live', 'the laptop got what was sent while it waited, and nothing older'],
] as const;
for (const [ok, name, finding] of checks) verdict(ok, name, finding);
await chat.close();
await Promise.all([store.close(), sync.close()]);
process.exitCode = checks.every(([ok]) => ok) ? 0 : 1;
