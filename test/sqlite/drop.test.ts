import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backupTimelines, checkTimelines, restoreTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineStore } from '../../src/index.js';
import { until } from '../support/until.js';
import { afterTest, look, spawnChild, tempFile } from './support.js';

const epochChanged = expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED' });

async function openStore(path: string): Promise<TimelineStore<string>> {
  const store = await openTimelineStore<string>({
    adapter: sqliteAdapter(path, { synchronous: 'normal', sweepMs: 20 }),
    name: 'test',
  });
  afterTest(() => store.close());
  return store;
}

/** Keyed entries of Timeline `a`, some of them shared with `b`, and a position. Returns the cursor of the newest. */
async function fill(store: TimelineStore<string>, count: number, shared = 20): Promise<string> {
  const a = store.timeline('a');
  await Promise.all(Array.from({ length: count }, (_, i) => a.append(`m${i}`, { key: `k${i}` })));
  for (let i = 0; i < shared; i++) await store.appendToMany(['a', 'b'], `shared ${i}`, { key: `s${i}` });
  const { cursor } = await a.append('newest');
  await a.checkpoint('phone').advance(cursor);
  return cursor;
}

async function messages(store: TimelineStore<string>, id: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of store.timeline(id).scan()) found.push(message);
  return found;
}

describe('a dropped Timeline', () => {
  it('leaves one row, and what others share with it', async () => {
    const path = tempFile();
    const store = await openStore(path);
    await fill(store, 1300);
    const file = look(path);
    await store.timeline('a').drop();
    expect((await checkTimelines(path)).problems).toEqual([]);
    await until('the rest is removed', () => file.count('timeline_dropped') === 0);
    expect(file.count('timeline_entries')).toBe(20);
    expect(file.count('timeline_keys')).toBe(20);
    expect(file.count('timeline_bodies', 'refs = 1')).toBe(20);
    expect(file.count('timeline_checkpoints')).toBe(0);
    expect(file.count('timeline_timelines', "name = 'a' AND epoch IS NOT NULL")).toBe(1);
    expect(await messages(store, 'b')).toHaveLength(20);
    expect((await checkTimelines(path)).problems).toEqual([]);
  });

  it('frees no number for a later Timeline while rows with it are left', async () => {
    const path = tempFile();
    const store = await openStore(path);
    const file = look(path);
    await fill(store, 2000);
    for (const id of ['x', 'y', 'z']) {
      await store.timeline('a').drop();
      await Promise.all([store.timeline(id).append(id), store.timeline('a').append(id)]);
    }
    for (const id of ['x', 'y', 'z']) expect(await messages(store, id)).toEqual([id]);
    expect(await messages(store, 'a')).toEqual(['z']);
    await until('the rest is removed', () => file.count('timeline_dropped') === 0);
    expect(await messages(store, 'a')).toEqual(['z']);
    expect((await checkTimelines(path)).problems).toEqual([]);
  });

  it('is whole or gone after a kill at any statement, and the next process removes the rest', async () => {
    const source = tempFile('source.db');
    const prepared = await openStore(source);
    const cursor = await fill(prepared, 600, 2);
    await prepared.close();
    let [kills, drops] = [0, 0];
    for (let step = 1; ; step++) {
      const path = tempFile(`${step}.db`);
      copyFileSync(source, path);
      const child = spawnChild('dropAndDie', path, 'a', String(step));
      const [, signal] = await once(child, 'close');
      if (signal !== 'SIGKILL') break;
      kills++;
      expect((await checkTimelines(path)).problems).toEqual([]);
      const store = await openStore(path);
      const { lastSeqId } = await store.timeline('a').head();
      if (lastSeqId === 0n) {
        drops++;
        await expect(store.timeline('a').read({ after: cursor })).rejects.toEqual(epochChanged);
        expect(await store.timeline('a').checkpoint('phone').get()).toBeUndefined();
        expect((await store.timeline('a').append('new', { key: 'k1' })).duplicate).toBe(false);
      } else {
        expect(lastSeqId).toBe(603n);
        expect(await store.timeline('a').checkpoint('phone').get()).toBe(cursor);
        await store.timeline('a').drop();
      }
      const file = look(path);
      await until('the rest is removed', () => file.count('timeline_dropped') === 0);
      expect(file.count('timeline_entries')).toBe(lastSeqId === 0n ? 3 : 2);
      expect(await messages(store, 'b')).toHaveLength(2);
      await store.close();
      expect((await checkTimelines(path)).problems).toEqual([]);
    }
    expect(drops).toBeGreaterThan(3);
    expect(kills - drops).toBeGreaterThan(3);
  }, 120_000);
});

describe('backups', () => {
  it('of before bring it back, with the cursors of then', async () => {
    const path = tempFile();
    const store = await openStore(path);
    const cursor = await fill(store, 5);
    await backupTimelines(path, `${path}.backup`);
    await store.timeline('a').drop();
    const { cursor: later } = await store.timeline('a').append('later');
    await store.close();
    await restoreTimelines(`${path}.backup`, path);
    const restored = await openStore(path);
    expect(await messages(restored, 'a')).toHaveLength(26);
    expect((await restored.timeline('a').read({ after: cursor })).entries).toEqual([]);
    expect(await restored.timeline('a').checkpoint('phone').get()).toBeDefined();
    await expect(restored.timeline('a').read({ after: later })).rejects.toEqual(epochChanged);
  });

  it('of after know that it was dropped, and restoring begins an epoch for it too', async () => {
    const path = tempFile();
    const store = await openStore(path);
    const old = await fill(store, 5);
    await store.timeline('a').drop();
    await store.timeline('c').append('m');
    await store.timeline('c').drop();
    const { cursor: kept } = await store.timeline('a').append('kept');
    const empty = (await store.timeline('c').read()).next;
    await backupTimelines(path, `${path}.backup`);
    const { cursor: lost } = await store.timeline('a').append('lost');
    await store.close();
    for (let restores = 0; restores < 2; restores++) {
      await restoreTimelines(`${path}.backup`, path);
      expect((await checkTimelines(path)).problems).toEqual([]);
      const restored = await openStore(path);
      const a = restored.timeline('a');
      const ids: unknown[] = [];
      for await (const id of restored.timelines()) ids.push(id);
      expect(ids).toEqual(['a', 'b']);
      await a.append('new');
      for (const cursor of [old, lost]) await expect(a.read({ after: cursor })).rejects.toEqual(epochChanged);
      expect((await a.read({ after: kept })).entries.map(({ message }) => message)).toEqual(['new']);
      await expect(a.checkpoint('phone').advance(old)).rejects.toEqual(epochChanged);
      await restored.timeline('c').append('first');
      expect((await restored.timeline('c').read({ after: empty })).entries).toHaveLength(1);
      await restored.close();
    }
  });
});
