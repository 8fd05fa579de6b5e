import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TableStoreAdapterOptions } from '../../adapters/tablestore/index.js';
import type { TablestoreEmulator } from '../../emulator/index.js';
import { addressOf } from '../support/tablestore-store.js';
import { TestProcess } from '../support/test-process.js';
import { until } from '../support/until.js';
import { bodies, emulate, open } from './support.js';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));

/** Kills a process with `kill -9` at its n-th write request. */
async function crash(
  emulator: TablestoreEmulator,
  options: TableStoreAdapterOptions,
  at: number,
  command: 'append' | 'trim',
) {
  const args = [JSON.stringify(addressOf(emulator)), JSON.stringify(options), String(at), command];
  const child = new TestProcess(CHILD, args);
  await child.next();
  await child.kill();
}

describe.each(['auto', 'manual'] as const)('a writer with %s that dies', (sequence) => {
  const dying = { sequence, settleMs: 10 };
  const options = { ...dying, timeoutMs: 1500 };

  it('between the reservation of a key and its entry leaves the key to others, after a while', async () => {
    const emulator = await emulate();
    await crash(emulator, dying, 2, 'append');
    const store = await open(emulator, options);
    const append = () => store.timeline('timeline').append('m', { key: 'k' });
    const begun = performance.now();
    // On a busy machine the attempt that takes the key over may be stored and answered too late: the next one finds it.
    await until(
      'the key is taken over',
      () =>
        append().then(
          () => true,
          () => false,
        ),
      30_000,
    );
    expect(performance.now() - begun).toBeGreaterThan(2 * options.timeoutMs);
    expect((await append()).duplicate).toBe(true);
    expect(await bodies(store)).toEqual(['m']);
  });

  it('after its entry, before the reservation records it, leaves an entry that is found', async () => {
    const emulator = await emulate();
    await crash(emulator, dying, 3, 'append');
    const store = await open(emulator, options);
    expect((await store.timeline('timeline').append('m', { key: 'k' })).duplicate).toBe(true);
    expect(await bodies(store)).toEqual(['m']);
  });
});

describe.each(['cas', 'auto'] as const)('a trim with %s', (sequence) => {
  const options = { sequence, settleMs: 10 };

  it.each([1, 2, 3])('that dies at its write number %i hides no entry without telling the reader', async (at) => {
    const emulator = await emulate();
    const store = await open(emulator, options);
    const timeline = store.timeline('timeline');
    for (let i = 1; i <= 6; i++) await timeline.append(`m${i}`);
    const all = (await timeline.read()).entries;
    // A dense Timeline does not record how far it is trimmed.
    if (sequence === 'cas' && at === 3) return expect(await bodies(store)).toHaveLength(6);
    await crash(emulator, options, at, 'trim');
    const reader = (await open(emulator, options)).timeline('timeline');
    for (const [index, { cursor }] of all.entries()) {
      const page = await reader.read({ after: cursor });
      const wanted = all.slice(index + 1).map(({ message }) => message);
      const missing = wanted.filter((message) => !page.entries.some((entry) => entry.message === message));
      if (missing.length > 0) expect(page.truncated?.through).toBe(all[3]?.seqId);
    }
    await reader.trim({ keepLast: 2 });
    expect((await reader.read({ after: all[0]!.cursor })).truncated?.through).toBe(all[3]?.seqId);
    expect(await bodies(store)).toEqual(['m5', 'm6']);
  });
});
