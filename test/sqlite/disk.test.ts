import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { backupTimelines, restoreTimelines } from '../../adapters/sqlite/index.js';
import { until } from '../support/until.js';
import { canMount, smallDisk } from './disk.js';
import { bodiesOf, openFile, readAll, spawnChild, tempFile, write } from './support.js';

const body = 'x'.repeat(1000);
const batch = (size = 100) => [write('a', ...Array<string>(size).fill(body))];
const full = { ok: false, error: { code: 'TIMELINE_BUSY', retryable: true, outcome: 'not-applied' } };

/** Fills the file system. */
function fill(folder: string): string {
  const path = join(folder, 'filler');
  for (let size = 2 ** 22; size >= 512; size /= 2) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {}
  }
  return path;
}

describe.skipIf(!canMount)('a disk that is full', () => {
  it('is busy and nothing is applied, at the commit too; once there is room, writing goes on', async () => {
    const { folder } = smallDisk('8m');
    const path = join(folder, 'timelines.db');
    const library = await openFile(path, {}, { busyTimeoutMs: 500 });
    let stored = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) if ((await library.append(batch(10)))[0]!.ok) stored += 10;
      const filler = fill(folder);
      const refused = await Promise.all(Array.from({ length: 10 }, () => library.append(batch(10))));
      for (const [outcome] of refused) {
        if (outcome!.ok) stored += 10;
        else expect(outcome).toMatchObject(full);
      }
      expect(refused.some(([outcome]) => !outcome!.ok)).toBe(true);
      await expect(backupTimelines(path, join(folder, 'backup'))).rejects.toMatchObject({ code: 'TIMELINE_BUSY' });
      expect(await readAll(library, 'a')).toHaveLength(stored);
      rmSync(filler);
      expect(await library.append(batch(10))).toMatchObject([{ ok: true }]);
      stored += 10;
    }
    await library.close();
    expect(await readAll(await openFile(path), 'a')).toHaveLength(stored);
  });

  it('does not switch off the bound of the log, whether or not a checkpoint failed meanwhile', async () => {
    const { folder } = smallDisk('24m');
    const path = join(folder, 'timelines.db');
    const limits = { walSoftBytes: 2 ** 20, walHardBytes: 3 * 2 ** 20, busyTimeoutMs: 300 };
    const library = await openFile(path, {}, limits);
    // A rewound log keeps its room, so that commits find some where a checkpoint does not.
    for (let i = 0; i < 40; i++) await library.append(batch());
    const filler = fill(folder);
    await until('a checkpoint has failed', async () => {
      await library.append(batch(10));
      return library.warnings.some(({ code }) => code === 'checkpoint-failed');
    });
    rmSync(filler);
    await until('there is room again', async () => (await library.append(batch()))[0]!.ok);
    const reader = new Database(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM timeline_entries').get();
    await until('a write is refused', async () => !(await library.append(batch()))[0]!.ok);
    expect(statSync(`${path}-wal`).size).toBeLessThan(6 * 2 ** 20);
    reader.close();
    await until('writes go on', async () => (await library.append(batch()))[0]!.ok);
    expect(library.warnings.map(({ code }) => code)).not.toContain('checkpoint-worker');
  });

  it('leaves the target as it was when a restore finds no room', async () => {
    const { folder } = smallDisk('4m');
    const path = join(folder, 'timelines.db');
    const library = await openFile(path);
    for (let i = 0; i < 15; i++) await library.append(batch());
    const backup = tempFile();
    await backupTimelines(path, backup);
    await library.append([write('a', 'last')]);
    await library.close();
    fill(folder);
    await expect(restoreTimelines(backup, path)).rejects.toMatchObject({
      code: 'TIMELINE_BUSY',
      outcome: 'not-applied',
    });
    const again = await openFile(path, {}, { readonly: true });
    expect(bodiesOf(await readAll(again, 'a')).at(-1)).toBe('last');
  });
});

describe('a file that may not grow any more', () => {
  it.skipIf(process.platform === 'win32')('refuses what does not fit as not applied, and keeps the rest', async () => {
    const path = tempFile();
    const child = spawnChild('appendUntilRefused', path);
    const [{ stored, code, outcome }] = (await once(child, 'message')) as [
      { stored: number; code: string; outcome: string },
    ];
    expect(outcome).toBe('not-applied');
    expect(code).toMatch(/^TIMELINE_(?:BUSY|UNAVAILABLE)$/);
    const library = await openFile(path);
    const [timeline] = await library.timelines({ prefix: '', limit: 1 });
    expect(await readAll(library, timeline!)).toHaveLength(stored);
  });
});

describe.skipIf(!canMount)('a file system that cannot be written', () => {
  it('says why a file with a log does not open, opens it as immutable if URIs are on, and opens backups', async () => {
    const { folder, makeReadonly } = smallDisk('8m');
    const path = join(folder, 'timelines.db');
    const library = await openFile(path);
    await library.append([write('a', 'one')]);
    await backupTimelines(path, join(folder, 'backup.db'));
    await library.close();
    makeReadonly();
    await expect(openFile(path, {}, { readonly: true })).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringMatching(/-shm.*backupTimelines.*SQLITE_USE_URI=1/),
    });
    const backup = await openFile(join(folder, 'backup.db'), {}, { readonly: true });
    expect(bodiesOf(await readAll(backup, 'a'))).toEqual(['one']);
    await backup.close();
    const child = spawnChild('readWithUris', path);
    expect(await once(child, 'message')).toEqual([['one'], undefined]);
  });

  it('is not read as immutable while something stands in the log', async () => {
    const { folder, makeReadonly } = smallDisk('8m');
    const path = join(folder, 'timelines.db');
    await once(spawnChild('appendAndDie', path, '3', '3', join(folder, 'backup')), 'exit');
    rmSync(`${path}-shm`);
    makeReadonly();
    expect(existsSync(`${path}-wal`)).toBe(true);
    await expect(openFile(path, {}, { readonly: true })).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringContaining('The log holds what the file does not'),
    });
  });
});
