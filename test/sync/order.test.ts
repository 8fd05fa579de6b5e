import { expect, it } from 'vitest';
import { createSync, hybridDiffusion, timelineDirectory } from '../../sync/index.js';
import { openDatabase } from './support/databases.js';

it('messages sent without waiting keep the order of the calls, while a slow policy changes the mode', async () => {
  await using database = await openDatabase<number>('memory');
  const { store, sync: inboxes } = database;
  let asked = 0;
  const diffusion = hybridDiffusion({
    async policy() {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, asked % 3));
      return asked % 2 === 0 ? 'read' : 'write';
    },
  });
  const options = { store, sync: inboxes, directory: timelineDirectory({ store }), diffusion, recoverEveryMs: 0 };
  await using sync = createSync<number>(options);
  await sync.join('group', ['ann', 'bob']);
  const sent: Promise<{ readonly seqId: bigint }>[] = [];
  for (let i = 0; i < 800 || asked < 5; i++) {
    sent.push(sync.send({ conversation: 'group', sender: 'ann', body: i }));
    if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const seqIds = (await Promise.all(sent)).map(({ seqId }) => seqId);
  expect(seqIds).toEqual([...seqIds].sort((a, b) => Number(a - b)));
});

it('a message sent while the choice of a mode is taking effect overtakes none that waits for it', async () => {
  await using database = await openDatabase<number>('memory');
  const { store, sync: inboxes } = database;
  let choose = (_mode: 'write') => {};
  let onAsked = () => {};
  const diffusion = hybridDiffusion({
    policy: () =>
      new Promise<'write'>((resolve) => {
        choose = resolve;
        onAsked();
      }),
  });
  const options = { store, sync: inboxes, directory: timelineDirectory({ store }), diffusion, recoverEveryMs: 0 };
  await using sync = createSync<number>(options);
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const conversation = `group ${microtasks}`;
    await sync.join(conversation, ['ann', 'bob']);
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    const send = (body: number) => sync.send({ conversation, sender: 'ann', body });
    const sent = [send(0), send(1), send(2)];
    await asked;
    choose('write');
    for (let i = 0; i < microtasks; i++) await undefined;
    sent.push(send(3));
    const seqIds = (await Promise.all(sent)).map(({ seqId }) => seqId);
    expect(seqIds).toEqual([...seqIds].sort((a, b) => Number(a - b)));
  }
});
