import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { type Codec, openTimelineStore, type TimelineAdapter } from '../../src/index.js';
import {
  createSync,
  hybridDiffusion,
  type MessageSync,
  readDiffusion,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../sync/index.js';
import { tempFile } from '../sqlite/support.js';
import { encrypting, TEST_KEY } from '../support/encrypting.js';
import { bodyOf } from './support/people.js';

type Codecs<M> = { readonly store: Codec<Stored<M>>; readonly sync: Codec<Synced<M>> };

async function open<M>(
  adapter: TimelineAdapter,
  codecs: Codecs<M>,
  options: Partial<SyncOptions<M>> = {},
): Promise<MessageSync<M>> {
  const store = await openTimelineStore<Stored<M>>({ adapter, name: 'store', codec: codecs.store });
  const inboxes = await openTimelineStore<Synced<M>>({ adapter, name: 'sync', codec: codecs.sync });
  const base = {
    store,
    sync: inboxes,
    directory: timelineDirectory({ store }),
    diffusion: writeDiffusion(),
    recoverEveryMs: 0,
  };
  return createSync<M>({ ...base, ...options });
}

describe.each([
  ['write', writeDiffusion],
  ['read', readDiffusion],
  ['hybrid', () => hybridDiffusion({ writeUpTo: 1 })],
] as const)('encrypted bodies, in %s diffusion', (_, diffusion) => {
  it('leave all that is repeated harmless, in several processes', async () => {
    const codecs: Codecs<string> = { store: encrypting(TEST_KEY), sync: encrypting(TEST_KEY) };
    const file = tempFile();
    const start = () => open<string>(sqliteAdapter(file), codecs, { diffusion: diffusion() });
    const [one, two] = await Promise.all([start(), start()]);
    const both = [one, two];
    await (await one.join('group', ['ann', 'bob'])).delivered;
    const message = { conversation: 'group', sender: 'ann', body: 'hello', key: 'k' };
    const sent = await Promise.all(both.map((sync) => sync.send(message)));
    await Promise.all(sent.map(({ delivered }) => delivered));
    const seqId = sent[0]?.seqId as bigint;
    expect(sent.map((each) => each.seqId)).toEqual([seqId, seqId]);
    await expect(two.send({ ...message, body: 'other' })).rejects.toMatchObject({ code: 'TIMELINE_KEY_CONFLICT' });
    for (const sync of both) expect(await sync.markRead('bob', 'group', seqId)).toBe(seqId);
    const recalls = [
      await one.recall('group', seqId),
      await two.recall('group', seqId),
      await one.recall('group', seqId),
    ];
    await Promise.all(recalls.map(({ delivered }) => delivered));
    expect(recalls.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
    const { messages } = await two.device('bob', 'phone').pull();
    expect(messages.map(({ kind }) => kind).sort()).toEqual(['message', 'read', 'recall']);
    for (const sync of both) await sync.close();
  });
});

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

it('bodies of a class without fingerprint reach devices as references', async () => {
  const codec = <T>(): Codec<T> => ({
    encode: (message) => JSON.stringify(message),
    decode: (body) =>
      JSON.parse(String(body), (_, value) => (typeof value?.cents === 'number' ? new Money(value.cents) : value)) as T,
  });
  const sync = await open<Money>(memoryAdapter(), { store: codec(), sync: codec() });
  await (await sync.join('group', ['ann', 'bob'])).delivered;
  const { delivered, seqId } = await sync.send({ conversation: 'group', sender: 'ann', body: new Money(5) });
  expect(await delivered).toMatchObject({ recipients: 2, refused: [] });
  await (await sync.edit('group', seqId, new Money(6))).delivered;
  const { messages } = await sync.device('bob', 'phone').pull();
  expect(messages.map((message) => [message.kind, bodyOf(message)])).toEqual([
    ['message', new Money(6)],
    ['edit', new Money(6)],
  ]);
  await expect(sync.send({ conversation: 'group', sender: 'ann', body: new Money(7), key: 'k' })).rejects.toMatchObject(
    {
      code: 'TIMELINE_INVALID_ARGUMENT',
      message: /fingerprint/,
    },
  );
  await sync.close();
});

it('what the libraries do by themselves with entries that do not decode does not matter', async () => {
  for (const onUndecodable of ['skip', () => ({ kind: 'join', users: ['eve'] }) as never] as const) {
    const codec: Codec<never> = {
      encode: (message) => JSON.stringify(message),
      decode(body) {
        if (String(body).includes('poison')) throw new Error('not a message');
        return JSON.parse(String(body)) as never;
      },
    };
    await using store = await openTimelineStore<Stored<string>>({
      adapter: memoryAdapter(),
      name: 'store',
      codec,
      onUndecodable,
    });
    await using inboxes = await openTimelineStore<Synced<string>>({ adapter: memoryAdapter(), name: 'sync' });
    const directory = timelineDirectory({ store });
    const diffusion = writeDiffusion();
    await using sync = createSync<string>({ store, sync: inboxes, directory, diffusion, onWarning: () => undefined });
    await (await sync.join('group', ['ann', 'bob'])).delivered;
    for (const body of ['one', 'poison', 'two'])
      await (await sync.send({ conversation: 'group', sender: 'ann', body })).delivered;
    const { messages } = await sync.device('bob', 'phone').pull();
    expect(messages.map((message) => bodyOf(message) ?? ('undecodable' in message && message.undecodable))).toEqual([
      'one',
      true,
      'two',
    ]);
  }
});
