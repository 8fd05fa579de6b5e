import { expect, it, vi } from 'vitest';
import { createSync, type SyncOptions, timelineDirectory, writeDiffusion } from '../../sync/index.js';
import { openDatabase } from './support/databases.js';
import { bodyOf } from './support/people.js';

type Kind = Parameters<typeof openDatabase>[0];

/** Bob pulls what Ann sent, and how many ranges of the conversation that took. */
async function pulled(kind: Kind, bodies: SyncOptions<string>['bodies'] & {}, sent: readonly string[]) {
  await using database = await openDatabase<string>(kind);
  const { store, sync: inboxes } = database;
  const readBatch = vi.spyOn(store, 'readBatch');
  const directory = timelineDirectory({ store });
  await using sync = createSync<string>({ store, sync: inboxes, directory, diffusion: writeDiffusion(), bodies });
  await (await sync.join('group', ['ann', 'bob'])).delivered;
  for (const body of sent) await (await sync.send({ conversation: 'group', sender: 'ann', body })).delivered;
  readBatch.mockClear();
  const { messages } = await sync.device('bob', 'phone').pull({ limit: 500 });
  return { bodies: messages.map(bodyOf), ranges: readBatch.mock.calls.map(([items]) => items.length) };
}

it.each(['memory', 'sqlite', 'tablestore'] as const)(
  'references to messages that follow each other are one range, one round trip (%s)',
  async (kind) => {
    const sent = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    expect(await pulled(kind, 'reference', sent)).toEqual({ bodies: sent, ranges: [1] });
  },
);

it.each(['memory', 'sqlite', 'tablestore'] as const)(
  'references that lie far apart, among bodies that were copied, are all looked up (%s)',
  async (kind) => {
    const sent = Array.from({ length: 60 }, (_, i) => (i % 20 === 0 ? `a long body, number ${i}` : `${i}`));
    expect(await pulled(kind, 10, sent)).toEqual({ bodies: sent, ranges: [1, 2] });
  },
);

it('references to what was sent while its sender was away are looked up, in order', async () => {
  await using database = await openDatabase<string>('memory');
  const { store, sync: inboxes } = database;
  const directory = timelineDirectory({ store });
  const options = { diffusion: writeDiffusion(), bodies: 'reference', newcomers: 'all' } as const;
  await using sync = createSync<string>({ store, sync: inboxes, directory, ...options });
  const done = async (sent: Promise<{ delivered: Promise<unknown> }>) => (await sent).delivered;
  await done(sync.join('group', ['ann', 'bob']));
  const { seqId, delivered } = await sync.send({ conversation: 'group', sender: 'bob', body: 'one' });
  await delivered;
  await done(sync.leave('group', 'bob'));
  await done(sync.send({ conversation: 'group', sender: 'ann', body: 'two' }));
  await done(sync.edit('group', seqId, 'one!'));
  await done(sync.join('group', 'bob'));
  const phone = sync.device('bob', 'phone');
  await phone.ack((await phone.pull({ limit: 1 })).cursor);
  const { messages } = await phone.pull();
  expect(messages.map((message) => `${message.kind} ${bodyOf(message)}`)).toEqual(['message two', 'edit one!']);
});
