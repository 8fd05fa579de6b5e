import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { type Codec, openTimelineStore } from '../../src/index.js';
import { createSync, readDiffusion, type Stored, type Synced, timelineDirectory, writeDiffusion } from '../../sync/index.js';

const fickle = <M>(broken: () => boolean): Codec<M> => ({
  encode: (message) => JSON.stringify(message),
  decode(body) {
    const text = String(body);
    if (broken() && text.includes('poison')) throw new Error('not a message');
    return JSON.parse(text) as M;
  },
});

it.each([
  ['write', writeDiffusion],
  ['read', readDiffusion],
] as const)(
  'in %s diffusion a message that does not decode is not skipped: it comes once the codec is mended',
  async (_, diffusion) => {
    let broken = true;
    const adapter = memoryAdapter();
    const codec = <M>() => fickle<M>(() => broken);
    await using store = await openTimelineStore<Stored<string>>({ adapter, name: 'store', codec: codec() });
    await using inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync', codec: codec() });
    const warnings: string[] = [];
    await using sync = createSync<string>({
      store,
      sync: inboxes,
      directory: timelineDirectory({ store }),
      diffusion: diffusion(),
      onWarning: ({ code }) => warnings.push(code),
    });
    await (await sync.join('group', ['ann', 'bob'])).delivered;
    const sent = [];
    for (const body of ['one', 'poison', 'three']) sent.push(await sync.send({ conversation: 'group', sender: 'ann', body }));

    const phone = sync.device('bob', 'phone');
    if (diffusion === readDiffusion) await expect(phone.pull()).rejects.toMatchObject({ code: 'TIMELINE_DECODE' });
    else await expect.poll(() => warnings).toContain('fan-out-waits');

    broken = false;
    await Promise.all(sent.map(({ delivered }) => delivered));
    const { messages } = await phone.pull();
    expect(messages.map(({ body }) => body)).toEqual(['one', 'poison', 'three']);
  },
);
