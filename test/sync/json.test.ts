import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import { createSync, type Stored, type Synced, timelineDirectory, writeDiffusion } from '../../sync/index.js';

const adapter = memoryAdapter();
const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store' });
const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync' });
const directory = timelineDirectory({ store });
const sync = createSync<string>({ store, sync: inboxes, directory, diffusion: writeDiffusion() });
const parsed = (value: unknown) => JSON.parse(JSON.stringify(value));

await (await sync.join('g', ['ann', 'bob'])).delivered;
const sent = await sync.send({ conversation: 'g', sender: 'ann', body: 'hello' });
const delivery = await sent.delivered;

it('what is sent is JSON without the promise', () => {
  expect(parsed(sent)).toEqual({ seqId: String(sent.seqId), duplicate: false });
  expect(Object.keys(sent)).toEqual(['seqId', 'duplicate', 'delivered']);
  expect(parsed(delivery)).toEqual({ recipients: 2, refused: [] });
});

it('a page of messages is JSON', async () => {
  const page = await sync.device('bob', 'phone').pull();
  const message = page.messages.find(({ kind }) => kind === 'message');
  expect(parsed(page).messages).toContainEqual({
    ...{ kind: 'message', conversation: 'g', sender: 'ann', body: 'hello', sentAt: message?.sentAt },
    ...{ seqId: String(sent.seqId), entrySeqId: String(sent.seqId) },
  });
});

it('a summary of a conversation is JSON', async () => {
  for await (const summary of sync.conversations('bob')) {
    const seqId = String(sent.seqId);
    expect(parsed(summary)).toMatchObject({ conversation: 'g', lastSeqId: seqId, readSeqId: '0', last: { seqId } });
    expect({ ...summary.last }).toEqual({
      seqId: sent.seqId,
      sender: 'ann',
      body: 'hello',
      sentAt: expect.any(Number),
    });
  }
});

it('takes decimal strings for SeqIds', async () => {
  const { seqId } = await sync.send({ conversation: 'h', sender: 'ann', body: 'a' });
  const text = String(seqId);
  await (await sync.edit('h', text, 'b')).delivered;
  expect((await sync.history('h').get(text))?.message).toMatchObject({ body: 'b' });
  expect(await sync.markRead('bob', 'h', text)).toBe(seqId);
  await (await sync.recall('h', text)).delivered;
  expect((await sync.history('h').get(text))?.message).not.toHaveProperty('body');
});

it('calls onCaughtUp once, after every message that existed', async () => {
  for (const body of ['1', '2', '3']) await (await sync.send({ conversation: 'g', sender: 'ann', body })).delivered;
  const events: (string | undefined)[] = [];
  const abort = new AbortController();
  const onCaughtUp = () => {
    events.push('caught up');
    void sync.send({ conversation: 'g', sender: 'ann', body: 'last' });
  };
  const device = sync.device('bob', 'live');
  for await (const message of device.subscribe({ signal: abort.signal, pageSize: 1, onCaughtUp })) {
    if (message.kind !== 'message') continue;
    events.push(message.body);
    if (message.body === 'last') break;
  }
  expect(events).toEqual(['hello', '1', '2', '3', 'caught up', 'last']);
});

it('shows what it is', () => {
  expect(inspect(sync)).toBe("MessageSync { store: 'store', sync: 'sync' }");
  expect(inspect(sync.device('bob', 'phone'))).toBe("Device { user: 'bob', device: 'phone' }");
});
