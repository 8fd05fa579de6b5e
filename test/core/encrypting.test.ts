import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineAdapter } from '../../src/index.js';
import { tempFile } from '../sqlite/support.js';
import { bundled } from '../support/bundled.js';
import { encrypting, TEST_KEY } from '../support/encrypting.js';

const CHILD = fileURLToPath(new URL('./encrypting-child.ts', import.meta.url));
const conflict = { code: 'TIMELINE_KEY_CONFLICT', actual: 1n };

const open = (adapter: TimelineAdapter) =>
  openTimelineStore<{ text: string }>({ adapter, name: 'chat', codec: encrypting(TEST_KEY) });

describe('bodies that are never the same twice', () => {
  it.each([
    ['memory', () => memoryAdapter()],
    ['sqlite', () => sqliteAdapter(tempFile())],
  ])('leave keys what they are, in each call that takes one (%s)', async (_, adapter) => {
    await using store = await open(adapter());
    const timeline = store.timeline('group');
    const first = await timeline.append({ text: 'a' }, { key: 'k' });
    expect(await timeline.append({ text: 'a' }, { key: 'k' })).toEqual({ ...first, duplicate: true });
    expect(await timeline.appendMany([{ text: 'a' }, { text: 'b' }], { keys: ['k', 'l'] })).toMatchObject([
      { seqId: 1n, duplicate: true },
      { seqId: 2n, duplicate: false },
    ]);
    const item = { timeline: 'group', message: { text: 'a' }, key: 'k' };
    expect(await store.appendBatch([item, item])).toMatchObject([{ seqId: 1n, duplicate: true }, { duplicate: true }]);
    expect(await store.appendToMany(['group', 'other'], { text: 'a' }, { key: 'k' })).toMatchObject([
      { duplicate: true },
      { duplicate: false },
    ]);
    await expect(timeline.append({ text: 'b' }, { key: 'k' })).rejects.toMatchObject(conflict);
    await timeline.update(1n, { text: 'edited' });
    expect(await timeline.append({ text: 'a' }, { key: 'k' })).toMatchObject({ seqId: 1n, duplicate: true });
    const { entries } = await timeline.read();
    expect(entries.map(({ message }) => message.text)).toEqual(['edited', 'b']);
  });

  it('leave keys what they are in another process', async () => {
    const file = tempFile();
    await using store = await open(sqliteAdapter(file));
    await store.timeline('group').append({ text: 'a' }, { key: 'k' });
    const run = promisify(execFile);
    const child = async (key: string, text: string) =>
      (await run(process.execPath, [bundled(CHILD), file, key, text])).stdout.trim();
    expect(await Promise.all([child('k', 'a'), child('k', 'b')])).toEqual(['1 true', 'TIMELINE_KEY_CONFLICT']);
    expect(await child('l', 'c')).toBe('2 false');
    expect(await store.timeline('group').append({ text: 'c' }, { key: 'l' })).toMatchObject({
      seqId: 2n,
      duplicate: true,
    });
    await expect(store.timeline('group').append({ text: 'd' }, { key: 'l' })).rejects.toMatchObject({
      ...conflict,
      actual: 2n,
    });
  });
});
