import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';

type Message = { from: string; text: string };

const adapter = sqliteAdapter('chat.db');
const store = await openTimelineStore<Message>({ adapter, name: 'store' });
const sync = await openTimelineStore<Message>({ adapter, name: 'sync', ttlMs: 7 * 24 * 3600 * 1000 });

const message = { from: 'ann', text: 'lunch?' };
await store.timeline('group:42').append(message, { key: 'ann-1' });
await sync.appendToMany(['ann', 'bob', 'cem'], message, { key: 'ann-1' });

const inbox = sync.timeline('bob');
const phone = inbox.checkpoint('phone');
const page = await inbox.read({ after: await phone.get() });
for (const entry of page.entries) console.log(`${entry.message.from}: ${entry.message.text}`);
await phone.advance(page.next);

await Promise.all([store.close(), sync.close()]);
