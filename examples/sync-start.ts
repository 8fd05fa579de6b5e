import { sqliteAdapter } from 'timeline-model/sqlite';
import { openMessageSync } from 'timeline-model/sync';

const adapter = sqliteAdapter('messages.db');
const sync = await openMessageSync<string>({ adapter, ttlMs: 7 * 24 * 3600 * 1000 });

await (await sync.join('group:42', ['ann', 'bob', 'cem'])).delivered;
const sent = await sync.send({ conversation: 'group:42', sender: 'ann', body: 'lunch?', key: 'ann-1' });
await sent.delivered;

const phone = sync.device('bob', 'phone');
const { messages, cursor } = await phone.pull();
for (const message of messages) if (message.kind === 'message') console.log(`${message.sender}: ${message.body}`);
await phone.ack(cursor);

await sync.close();
