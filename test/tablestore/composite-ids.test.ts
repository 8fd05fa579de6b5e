import { expect, it } from 'vitest';
import { counted, emulate, open } from './support.js';

it('ids of one to three parts are Timelines of their own, in one key column', async () => {
  const store = await open(await emulate());
  const ids = ['a', 1, ['a', 'b'], ['a', 'b', 'c'], 'a/b', ['tenant', 2n ** 60n], '组:42'] as const;
  for (const [i, id] of ids.entries()) await store.timeline(id).append(`m${i}`);
  for (const [i, id] of ids.entries()) expect((await store.timeline(id).latest())?.message).toBe(`m${i}`);
});

it('an id whose encoded form is too long for a key column is refused before any request', async () => {
  const emulator = await emulate();
  const { client, counts, reset } = counted(emulator);
  const store = await open(emulator, {}, { client });
  const id = ['~'.repeat(512), '', ''];
  reset();
  await expect(store.timeline(id).append('m')).rejects.toMatchObject({
    code: 'TIMELINE_TOO_LARGE',
    outcome: 'not-applied',
  });
  await expect(store.timeline(id).read()).rejects.toMatchObject({ code: 'TIMELINE_TOO_LARGE' });
  expect(counts).toEqual({});
  await store.timeline('~'.repeat(512)).append('m');
});
