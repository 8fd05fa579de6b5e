import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { createSync, hybridDiffusion, type Stored, type Synced, timelineDirectory } from 'timeline-model/sync';

const adapter = sqliteAdapter('messages.db');
const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync', ttlMs: 7 * 24 * 3600 * 1000 });
const directory = timelineDirectory({ store });
const sync = createSync<string>({ store, sync: inboxes, directory, diffusion: hybridDiffusion() });

await (await sync.join('group:42', ['ann', 'bob', 'cem'])).delivered;
const sent = await sync.send({ conversation: 'group:42', sender: 'ann', body: 'lunch?', key: 'ann-1' });
await sent.delivered;

const phone = sync.device('bob', 'phone');
const { messages, cursor } = await phone.pull();
for (const { sender, body } of messages) console.log(`${sender}: ${body}`);
await phone.ack(cursor);

for (const each of [sync, inboxes, store]) await each.close();
