import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { type Codec, openTimelineStore, type TimelineStore } from '../../src/index.js';
import {
  createSync,
  type Device,
  hybridDiffusion,
  type MessageSync,
  readDiffusion,
  type Stored,
  type Synced,
  type SyncMessage,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../sync/index.js';
import { inboxText } from './support/inbox-text.js';
import { bodyOf } from './support/people.js';

/** Which library cannot read bodies that say `poison`, at present. */
interface Broken {
  store: boolean;
  sync: boolean;
}

interface World {
  readonly sync: MessageSync<string>;
  readonly store: TimelineStore<Stored<string>>;
  readonly inboxes: TimelineStore<Synced<string>>;
  readonly warnings: string[];
  readonly broken: Broken;
}

const adapter = memoryAdapter();
let worlds = 0;

/** One process; of several in a world each has a codec of its own. */
async function open(options: Partial<SyncOptions<string>> = {}, name = `world ${++worlds}`): Promise<World> {
  const broken: Broken = { store: true, sync: false };
  const fickle = <M>(library: keyof Broken): Codec<M> => ({
    encode: (message) => JSON.stringify(message),
    decode(body) {
      if (broken[library] && String(body).includes('poison')) throw new Error('not a message');
      return JSON.parse(String(body)) as M;
    },
  });
  const store = await openTimelineStore<Stored<string>>({ adapter, name: `${name} store`, codec: fickle('store') });
  const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: `${name} sync`, codec: fickle('sync') });
  const warnings: string[] = [];
  const sync = createSync<string>({
    ...{
      store,
      sync: inboxes,
      directory: timelineDirectory({ store }),
      diffusion: writeDiffusion(),
      recoverEveryMs: 0,
    },
    onWarning: ({ code }) => warnings.push(code),
    ...options,
  });
  return { sync, store, inboxes, warnings, broken };
}

const send = (sync: MessageSync<string>, body: string, sender = 'ann') =>
  sync.send({ conversation: 'group', sender, body, key: body });

async function sendAll(sync: MessageSync<string>, ...bodies: string[]): Promise<bigint[]> {
  const sent = [];
  for (const body of bodies) sent.push(await send(sync, body));
  await Promise.all(sent.map(({ delivered }) => delivered));
  return sent.map(({ seqId }) => seqId);
}

async function join(sync: MessageSync<string>, ...users: string[]): Promise<void> {
  await (await sync.join('group', users)).delivered;
}

const FLAGS = ['undecodable', 'recalled'];
const shown = (message: SyncMessage<string>) =>
  [message.kind, bodyOf(message) ?? [], FLAGS.filter((flag) => flag in message)].flat().join(' ');

async function pulled(device: Device<string>, limit?: number): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const page = await device.pull({ limit });
    await device.ack(page.cursor);
    texts.push(...page.messages.map(shown));
    if (page.upToDate) return texts;
  }
}

describe.each([
  ['write', { diffusion: writeDiffusion() }],
  ['write with references', { diffusion: writeDiffusion(), bodies: 'reference' }],
  ['read', { diffusion: readDiffusion() }],
  ['hybrid', { diffusion: hybridDiffusion({ writeUpTo: 2 }) }],
] as const)('in %s diffusion a message that does not decode', (mode, options) => {
  const isRead = mode === 'read';

  it('comes at its place without body, between complete ones', async () => {
    const { sync, warnings, store } = await open(options);
    await join(sync, 'ann', 'bob');
    const [, seqId] = await sendAll(sync, 'one', 'poison', 'poison again', 'two');
    for (const limit of [undefined, 1]) {
      expect(await pulled(sync.device('bob', `phone ${limit}`), limit)).toEqual([
        'message one',
        'message undecodable',
        'message undecodable',
        'message two',
      ]);
    }
    const { messages } = await sync.device('bob', 'tablet').pull();
    const entry = await store
      .timeline('group')
      .get(seqId as bigint, { onUndecodable: () => ({ kind: 'state', state: 0 }) });
    expect(messages[1]).toMatchObject({
      ...{ conversation: 'group', seqId, entrySeqId: seqId, sender: '', sentAt: entry?.appendedAt, kind: 'message' },
      undecodable: true,
    });
    expect(messages[1]).not.toHaveProperty('body');
    expect(warnings).toEqual(isRead ? [] : ['undecodable-entry']);
    await sync.close();
  });

  it('comes to subscriptions, which continue', async () => {
    const { sync } = await open(options);
    await join(sync, 'ann', 'bob');
    const live = sync.device('bob', 'phone').subscribe()[Symbol.asyncIterator]();
    const texts: string[] = [];
    for (const body of ['one', 'poison', 'two']) {
      await send(sync, body);
      texts.push(shown((await live.next()).value));
    }
    expect(texts).toEqual(['message one', 'message undecodable', 'message two']);
    await live.return?.();
    await sync.close();
  });

  it('is whole for whoever can decode it, once it can be', async () => {
    const { sync, broken } = await open(options);
    await join(sync, 'ann', 'bob');
    await sendAll(sync, 'one', 'poison', 'two');
    broken.store = false;
    const { messages } = await sync.device('bob', 'phone').pull();
    expect(messages.map(shown)).toEqual(['message one', 'message poison', 'message two']);
    expect(messages.map(({ sender }) => sender)).toEqual(['ann', 'ann', 'ann']);
    await sync.close();
  });

  it('stops no join, leave, edit or recall', async () => {
    const { sync } = await open({ ...options, newcomers: 'all' });
    await join(sync, 'ann', 'bob');
    const [one, poison] = (await sendAll(sync, 'one', 'poison', 'two')) as [bigint, bigint, bigint];
    await join(sync, 'eve');
    await (await sync.edit('group', one, 'one!')).delivered;
    await (await sync.recall('group', one)).delivered;
    await (await sync.leave('group', 'bob')).delivered;
    await sendAll(sync, 'three');
    const eve = await pulled(sync.device('eve', 'phone'));
    expect(eve).toContain('message undecodable');
    expect(eve.slice(-2)).toEqual(['recall', 'message three']);
    expect(await pulled(sync.device('bob', 'phone'))).not.toContain('message three');
    for (const call of [sync.edit('group', poison, 'mended'), sync.recall('group', poison)]) {
      await expect(call).rejects.toMatchObject({ code: 'TIMELINE_DECODE', actual: poison });
    }
    await sync.close();
  });

  it('stops no list of conversations, and is not counted', async () => {
    const { sync, store } = await open(options);
    await join(sync, 'ann', 'bob');
    await sendAll(sync, 'poison 1', 'one', ...Array.from({ length: 8 }, (_, i) => `poison ${i + 2}`));
    const list = [];
    for await (const each of sync.conversations('bob')) list.push(each);
    const { lastSeqId } = await store.timeline('group').head();
    expect(list).toMatchObject([{ conversation: 'group', last: { body: 'one' }, unread: 1, lastSeqId }]);
    expect(await sync.markRead('bob', 'group', lastSeqId)).toBe(lastSeqId);
    expect(await pulled(sync.device('bob', 'phone'))).toContain('read');
    await sync.close();
  });

  it('stops no device that begins late, and no recovery', async () => {
    const name = `world ${++worlds}`;
    const { sync } = await open(options, name);
    await join(sync, 'ann', 'bob');
    await sendAll(sync, 'one', 'poison', 'two');
    const other = await open(options, name);
    await other.sync.recover();
    expect(await pulled(other.sync.device('bob', 'new', { start: { last: 2 } }))).toEqual([
      'message one',
      'message undecodable',
      'message two',
    ]);
    await sync.close();
    await other.sync.close();
  });
});

describe('an inbox entry that does not decode', () => {
  it('makes its device resync from the conversations, once', async () => {
    const { sync, broken } = await open();
    broken.store = false;
    await join(sync, 'ann', 'bob');
    const phone = sync.device('bob', 'phone');
    await sendAll(sync, 'zero');
    await pulled(phone);
    await sendAll(sync, 'one', 'poison', 'two');
    broken.sync = true;
    const page = await phone.pull();
    expect([page.resynced, page.upToDate]).toEqual([true, true]);
    expect(page.messages.map(shown)).toEqual(['message zero', 'message one', 'message poison', 'message two']);
    await phone.ack(page.cursor);
    await sendAll(sync, 'three');
    const next = await phone.pull();
    expect([next.resynced, next.messages.map(shown)]).toEqual([false, ['message three']]);
    await sync.close();
  });

  it('hands over what comes before it first', async () => {
    const { sync, broken } = await open();
    broken.store = false;
    await join(sync, 'ann', 'bob');
    await sendAll(sync, 'one', 'two', 'poison', 'three');
    broken.sync = true;
    const phone = sync.device('bob', 'phone');
    const page = await phone.pull({ limit: 2 });
    expect([page.resynced, page.upToDate, page.messages.map(shown)]).toEqual([
      false,
      false,
      ['message one', 'message two'],
    ]);
    await phone.ack(page.cursor);
    expect((await phone.pull()).resynced).toBe(true);
    await sync.close();
  });

  it('makes a subscription resync and continue', async () => {
    const { sync, broken } = await open();
    broken.store = false;
    broken.sync = true;
    await join(sync, 'ann', 'bob');
    const live = sync.device('bob', 'phone').subscribe()[Symbol.asyncIterator]();
    await send(sync, 'one');
    expect((await live.next()).value).toMatchObject({ body: 'one' });
    await send(sync, 'poison');
    expect((await live.next()).value).toMatchObject({ body: 'one', resynced: true });
    expect((await live.next()).value).toMatchObject({ body: 'poison' });
    await send(sync, 'two');
    expect((await live.next()).value).toMatchObject({ body: 'two' });
    await live.return?.();
    await sync.close();
  });
});

it('in a rolling deploy, the old process continues and the new one shows all', async () => {
  const name = `world ${++worlds}`;
  const old = await open({}, name);
  const fresh = await open({}, name);
  fresh.broken.store = false;
  await join(old.sync, 'ann', 'bob');
  const [one] = (await sendAll(old.sync, 'one')) as [bigint];
  const { delivered, seqId } = await send(fresh.sync, 'poison');
  await delivered;
  const edited = await fresh.sync.edit('group', one, 'poison edit');
  await edited.delivered;
  await sendAll(old.sync, 'two');
  await (await fresh.sync.recall('group', seqId)).delivered;
  await sendAll(old.sync, 'three');
  expect(await pulled(fresh.sync.device('bob', 'phone'))).toEqual([
    'message poison edit',
    'message recalled',
    'edit poison edit',
    'message two',
    'recall',
    'message three',
  ]);
  await old.sync.close();
  await fresh.sync.close();
});

it('a recall takes back a message that the process which applies it cannot read', async () => {
  const name = `world ${++worlds}`;
  const fresh = await open({}, name);
  fresh.broken.store = false;
  await join(fresh.sync, 'ann', 'bob');
  const [seqId] = (await sendAll(fresh.sync, 'poison')) as [bigint];
  const recall: Stored<string> = { kind: 'recall', sender: 'ann', target: String(seqId) };
  await fresh.store.timeline('group').append(recall, { key: `r:${seqId}` });
  const old = await open({}, name);
  old.broken.sync = true;
  await sendAll(old.sync, 'two');
  expect(await inboxText(fresh.inboxes, 'bob')).toMatch(/^(?!.*poison).*recall.*two/);
  expect((await fresh.store.timeline('group').get(seqId))?.message).toMatchObject({
    kind: 'message',
    sender: 'ann',
    recalled: '3',
  });
  await old.sync.close();
  await fresh.sync.close();
});
