import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { backupTimelines, restoreTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { type Head, jsonCodec, openTimelineStore, TimelineError } from '../../src/index.js';
import { createSync, openMessageSync, readDiffusion, type Sent, writeDiffusion } from '../../sync/index.js';
import { checkJson, propertiesOf, resultTypes } from '../support/result-types.js';
import { all, drain, take } from './support/people.js';

/** Does not decode `bad`. */
const codec = {
  ...jsonCodec<string>(),
  decode(body: string | Uint8Array): string {
    if (body === '"bad"') throw new Error('bad');
    return JSON.parse(body as string) as string;
  },
};
const store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'results', codec, ttlMs: 1e9 });
const chat = store.timeline(['chat', 2n ** 60n]);
const appended = await chat.append('a', { key: 'k' });
await chat.appendMany(['b', 'c']);
await store.timeline('bad').appendMany(['good', 'bad']);
const phone = chat.checkpoint('phone');
const ids = [chat.id];

/** The head of a Timeline that was restored from a backup. */
async function restoredHead(): Promise<Head> {
  const folder = mkdtempSync(join(tmpdir(), 'timeline-results-'));
  const [file, backup] = [join(folder, 'a.db'), join(folder, 'b.db')];
  const open = () => openTimelineStore<string>({ adapter: sqliteAdapter(file), name: 'results' });
  const before = await open();
  await before.timeline('restored').append('a');
  await before.close();
  await backupTimelines(file, backup);
  await restoreTimelines(backup, file);
  const after = await open();
  try {
    return await after.timeline('restored').head();
  } finally {
    await after.close();
    rmSync(folder, { recursive: true });
  }
}

const core: Record<string, () => unknown> = {
  'TimelineStore.name': () => store.name,
  'TimelineStore.capabilities': () => store.capabilities,
  'TimelineStore.ttlMs': () => store.ttlMs,
  'TimelineStore.appendBatch': () =>
    store.appendBatch([
      { timeline: 'batch', message: 'x' },
      { timeline: 'batch', message: undefined as never },
    ]),
  'TimelineStore.appendToMany': () => store.appendToMany(['one', 'x'.repeat(600)], 'x'),
  'TimelineStore.readBatch': () => store.readBatch([{ timeline: 'bad' }]),
  'TimelineStore.heads': () => store.heads(ids),
  'TimelineStore.countBatch': () => store.countBatch([{ timeline: 'bad' }]),
  'TimelineStore.timelines': () => all(store.timelines()).then((found) => found.filter((id) => id === 'bad')),
  'TimelineStore.checkpoints': () => store.checkpoints([{ timeline: chat.id, reader: 'phone' }]),
  'TimelineStore.advanceCheckpoints': () =>
    store.advanceCheckpoints([{ timeline: chat.id, reader: 'phone', to: appended.cursor }]),
  'Timeline.id': () => store.timeline('bad').id,
  'Timeline.append': () => appended,
  'Timeline.appendMany': () => chat.appendMany(['d']),
  'Timeline.read': async () => {
    const pages = [await chat.read()];
    await chat.trim({ through: 2n });
    return [...pages, await chat.read({ after: 0n })];
  },
  'Timeline.count': () => chat.count(),
  'Timeline.scan': () => all(chat.scan()),
  'Timeline.pages': () => all(chat.pages()),
  'Timeline.subscribe': () => take(chat.subscribe(), 1),
  'Timeline.get': () => chat.get(3n),
  'Timeline.latest': () => chat.latest(),
  'Timeline.head': async () => [await chat.head(), await restoredHead()],
  'Timeline.update': () => chat.update(3n, 'C'),
  'Checkpoint.reader': () => phone.reader,
  'Checkpoint.get': () => phone.get(),
  'Checkpoint.advance': () => phone.advance(3n),
  TimelineError: () =>
    new TimelineError('TIMELINE_CONFLICT', 'all details', {
      ...{ argument: 'a', timeline: 't', expected: 1n, actual: 2n, through: 3n, limit: 4, capability: 'c' },
      ...{ cursor: 'x.1', issues: [{ message: 'no', path: [{ key: 'k' }, 1] }], cause: new Error('why') },
    }),
};

const options = { adapter: memoryAdapter(), receipts: true, membershipEvents: true, codec };
const sync = await openMessageSync<string>({ ...options, diffusion: readDiffusion() });
const device = sync.device('bob', 'phone');
const send = (body: string, more: object = {}) => sync.send({ conversation: 'g', sender: 'ann', body, ...more });
const settled = async (sent: Promise<Sent>): Promise<Sent> => {
  await (await sent).delivered;
  return sent;
};
const joined = await settled(sync.join('g', ['ann', 'bob'], { by: 'ann' }));
const first = await settled(send('one', { mentions: ['bob'] }));
const edited = await settled(sync.edit('g', first.seqId, 'one!', { by: 'mod' }));
await settled(send('+1', { relatesTo: first.seqId, countable: false }));
const second = await settled(send('two'));
await settled(sync.edit('g', second.seqId, 'two!'));
const recalled = await settled(sync.recall('g', second.seqId, { by: 'mod' }));
await settled(send('bad'));

const messages: Record<string, () => unknown> = {
  'MessageSync.send': () => first,
  'MessageSync.edit': () => edited,
  'MessageSync.recall': () => recalled,
  'MessageSync.join': () => joined,
  'MessageSync.leave': () => settled(sync.leave('h', ['eve'])),
  'Sent.delivered': async () => {
    const adapter = memoryAdapter();
    const one = await openTimelineStore<never>({ adapter, name: 'one' });
    const two = await openTimelineStore<never>({ adapter, name: 'two' });
    const directory = { members: () => ['ann', 'x'.repeat(600)], conversations: () => ['g'] };
    const own = createSync<string>({ store: one, sync: two, directory, diffusion: writeDiffusion() });
    const delivery = await (await own.send({ conversation: 'own', sender: 'ann', body: 'x' })).delivered;
    await own.close();
    return [delivery, await first.delivered];
  },
  'MessageSync.wasMember': () => sync.wasMember('g', 'eve'),
  'MessageSync.conversation': () => sync.conversation('bob', 'g'),
  'MessageSync.isMember': () => sync.isMember('g', 'bob'),
  'MessageSync.members': () => all(sync.members('g')),
  'MessageSync.messages': async () => [await sync.messages('g'), await sync.messages('g', { limit: 1 })],
  'Device.pull': async () => {
    const page = await device.pull();
    await device.ack(page.cursor);
    await sync.markRead('bob', 'g', first.seqId);
    await sync.configure('bob', 'g', { muted: true });
    return [page, await device.pull(), await sync.device('ann', 'phone').pull()];
  },
  'Device.subscribe': async () => {
    await drain(device);
    const heard = take(device.subscribe(), 2);
    await sync.signal('g', { from: 'ann', body: { typing: true } });
    await settled(send('three'));
    return heard;
  },
  'Device.user': () => device.user,
  'Device.device': () => device.device,
  'MessageSync.devices': () => all(sync.devices('bob')),
  'MessageSync.conversations': async () => {
    const found = await all(sync.conversations('bob'));
    const last = await settled(send('four'));
    await settled(sync.edit('g', last.seqId, 'four!'));
    found.push(...(await all(sync.conversations('bob'))));
    await settled(sync.recall('g', last.seqId));
    return [...found, ...(await all(sync.conversations('bob')))];
  },
  'MessageSync.unread': () => sync.unread('bob'),
  'MessageSync.readPositions': async () => {
    const positions = await sync.readPositions('g');
    expect(JSON.parse(JSON.stringify(positions))).toEqual({ ann: '0', bob: String(first.seqId) });
    return [];
  },
  'MessageSync.markRead': async () => String(await sync.markRead('bob', 'g', first.seqId)),
  'MessageSync.recover': () => sync.recover(),
  'MessageSync.conversationChanges': async () => {
    const heard = (async () => {
      for await (const summary of sync.conversationChanges('bob')) if (summary.left) return summary;
      return undefined;
    })();
    await settled(sync.leave('g', ['bob']));
    return heard;
  },
};

/** Needs an inbox that expires, lost entries or an edit that does not decode: `resync`, `truncation`, `undecodable`. */
const ELSEWHERE = [
  ...['SyncMessageFields.resynced', 'SyncMessageFields.truncated', 'TruncatedConversation.conversation'],
  ...['TruncatedConversation.through', 'PullPage.truncated', 'MessagePage.truncated', 'MessagePage.truncated.through'],
  'EditMessage.undecodable',
];

it('every result of a public call is JSON with SeqIds as decimal strings, in all its properties', async () => {
  const types = resultTypes();
  const samples = { ...core, ...messages };
  expect(Object.keys(samples).sort()).toEqual([...types.keys()].sort());
  const seen = new Set<string>();
  const declared = new Set<string>();
  for (const [call, sample] of Object.entries(samples)) {
    const type = types.get(call)!;
    const value = await sample();
    propertiesOf(type, call, declared);
    checkJson(type, call, value, JSON.parse(JSON.stringify(value)), seen);
  }
  await sync.close();
  await store.close();
  expect([...declared].filter((name) => !seen.has(name)).sort()).toEqual([...ELSEWHERE].sort());
});
