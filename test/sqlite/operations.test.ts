import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { backupTimelines, checkTimelines, restoreTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineStore } from '../../src/index.js';
import { nightly } from '../support/nightly.js';
import { until } from '../support/until.js';
import { afterTest, look, spawnChild, tempFile } from './support.js';

async function openStore(path: string): Promise<TimelineStore<string>> {
  const store = await openTimelineStore<string>({
    adapter: sqliteAdapter(path, { synchronous: 'normal' }),
    name: 'test',
  });
  afterTest(() => store.close());
  return store;
}

async function appendAll(store: TimelineStore<string>, count: number, prefix = 'm'): Promise<void> {
  const timeline = store.timeline('a');
  await Promise.all(Array.from({ length: count }, (_, i) => timeline.append(`${prefix}${i}`)));
}

async function messages(store: TimelineStore<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of store.timeline('a').scan()) found.push(message);
  return found;
}

/** A database with `before` entries, its backup, and `after` more entries; closed. */
async function backedUp(before: number, after: number): Promise<{ path: string; backup: string }> {
  const path = tempFile();
  const backup = `${path}.backup`;
  const store = await openStore(path);
  await appendAll(store, before);
  await backupTimelines(path, backup);
  await appendAll(store, after, 'later');
  await store.close();
  return { path, backup };
}

const filesBeside = (path: string) => readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)));
const busy = (message: RegExp) => ({
  code: 'TIMELINE_BUSY',
  outcome: 'not-applied',
  message: expect.stringMatching(message),
});

describe('backupTimelines', () => {
  it('copies a database while others write to it: a prefix of each Timeline, sound, in one file', async () => {
    const path = tempFile();
    const child = spawnChild('appendForever', path, 'run');
    await once(child.stdout!, 'data');
    for (let i = 0; i < 5; i++) {
      const backup = `${path}.backup${i}`;
      await backupTimelines(path, backup);
      expect(await checkTimelines(backup)).toEqual({ ok: true, problems: [] });
      expect(filesBeside(backup)).toEqual([basename(backup)]);
    }
    const counts = [0, 4].map((i) => look(`${path}.backup${i}`).count('timeline_entries'));
    expect(counts[1]).toBeGreaterThan(counts[0]!);
    expect(filesBeside(path).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('takes a handle that is in use, in a transaction of its owner too, and one of a database in memory', async () => {
    const path = tempFile();
    const database = new Database(path);
    afterTest(() => database.close());
    const store = await openTimelineStore<string>({ adapter: sqliteAdapter(database), name: 'test' });
    await appendAll(store, 3);
    database.exec('BEGIN; CREATE TABLE mine (x)');
    await backupTimelines(database, `${path}.backup`);
    database.exec('ROLLBACK');
    expect(look(`${path}.backup`).count('timeline_entries')).toBe(3);
    expect(look(`${path}.backup`).all("SELECT name FROM sqlite_schema WHERE name = 'mine'")).toEqual([]);
    await store.close();

    const memory = new Database(':memory:');
    const inMemory = await openTimelineStore<string>({ adapter: sqliteAdapter(memory), name: 'test' });
    await appendAll(inMemory, 4);
    await backupTimelines(memory, `${path}.memory`);
    await inMemory.close();
    expect(look(`${path}.memory`).count('timeline_entries')).toBe(4);
  });

  it('replaces an earlier backup, and nothing else', async () => {
    const { path, backup } = await backedUp(2, 3);
    await backupTimelines(path, backup);
    expect(look(backup).count('timeline_entries')).toBe(5);
    const taken = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'file', message: expect.stringContaining('exists') };
    const notes = join(dirname(path), 'notes.txt');
    writeFileSync(notes, 'mine');
    await expect(backupTimelines(backup, path)).rejects.toMatchObject(taken);
    await expect(backupTimelines(path, path)).rejects.toMatchObject(taken);
    await expect(backupTimelines(path, notes)).rejects.toMatchObject(taken);
    expect(readFileSync(notes, 'utf8')).toBe('mine');
  });

  it('says what is wrong with its source, and leaves nothing behind', async () => {
    const path = tempFile();
    const file = `${path}.backup`;
    look(path).database.exec('CREATE TABLE mine (x)');
    await expect(backupTimelines(path, file)).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: /no Timelines/,
    });
    await expect(backupTimelines(`${path}.none`, file)).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: /no file/,
    });
    await expect(backupTimelines('', file)).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      argument: 'source',
    });
    await expect(backupTimelines(path, 7 as never)).rejects.toMatchObject({ argument: 'file' });
    await expect(backupTimelines(path, join(path, 'x.db'))).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    expect(filesBeside(file)).toEqual([]);
  });
});

describe('restoreTimelines', () => {
  it.each(nightly ? [1500, 4000] : [1500])(
    'puts the backup in the place of the file and of its log, with %i entries behind it',
    async (after) => {
      const path = tempFile();
      const backup = `${path}.backup`;
      const child = spawnChild('appendAndDie', path, '500', String(after), backup);
      await once(child, 'exit');
      expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
      await restoreTimelines(backup, path);
      expect(filesBeside(path)).toEqual([basename(path), basename(backup)]);
      expect(await checkTimelines(path)).toEqual({ ok: true, problems: [] });
      const store = await openStore(path);
      expect(await messages(store)).toHaveLength(500);
      const { database } = look(path);
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    },
  );

  it('keeps cursors of the epoch before up to its end, and refuses those behind for good', async () => {
    const path = tempFile();
    const first = await openStore(path);
    await appendAll(first, 10);
    await backupTimelines(path, `${path}.backup`);
    await appendAll(first, 10, 'lost');
    const [kept, lost] = (await first.timeline('a').read()).entries.filter(
      ({ seqId }) => seqId === 8n || seqId === 15n,
    );
    const reader = first.timeline('a').checkpoint('phone');
    await reader.advance(kept!.cursor);
    await backupTimelines(path, `${path}.backup2`);
    await first.timeline('b').append('only in the second backup');
    const gone = (await first.timeline('b').latest())!.cursor;
    await first.close();
    await restoreTimelines(`${path}.backup`, path);

    const store = await openStore(path);
    const timeline = store.timeline('a');
    await appendAll(store, 10, 'new');
    const page = await timeline.read({ after: kept!.cursor });
    expect(page.entries.map(({ message }) => message).slice(0, 3)).toEqual(['m8', 'm9', 'new0']);
    await expect(timeline.read({ after: lost!.cursor })).rejects.toMatchObject({ code: 'TIMELINE_EPOCH_CHANGED' });
    await store.timeline('b').append('another');
    await expect(store.timeline('b').read({ after: gone })).rejects.toMatchObject({ code: 'TIMELINE_EPOCH_CHANGED' });
    await store.close();

    await restoreTimelines(`${path}.backup2`, path);
    const third = await openStore(path);
    expect((await third.timeline('a').read({ after: lost!.cursor })).entries).toHaveLength(5);
    await expect(third.timeline('a').read({ after: page.next })).rejects.toMatchObject({
      code: 'TIMELINE_EPOCH_CHANGED',
    });
    const phone = third.timeline('a').checkpoint('phone');
    const moved = (await third.timeline('a').read({ after: (await phone.get())!, limit: 3 })).next;
    expect(await phone.advance(moved)).toBe(moved);
    expect(await phone.advance(kept!.cursor)).toBe(moved);
  });

  it('refuses while a process, a store or a mere handle has the target open, and changes nothing', async () => {
    const { path, backup } = await backedUp(2, 3);
    const child = spawnChild('appendOnDemand', path);
    await once(child, 'message');
    await expect(restoreTimelines(backup, path)).rejects.toMatchObject(
      busy(new RegExp(`open in process ${child.pid}`)),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openStore(path);
    await expect(restoreTimelines(backup, path)).rejects.toMatchObject(busy(/is open in this process/));
    await store.close();
    const idle = new Database(path);
    await expect(restoreTimelines(backup, path)).rejects.toMatchObject(busy(/is open/));
    idle.close();
    const unchanged = await openStore(path);
    expect(await messages(unchanged)).toHaveLength(5);
    await unchanged.close();
    await restoreTimelines(backup, path);
    expect(look(path).count('timeline_entries')).toBe(2);
  });

  it('makes a target that is missing, follows a link to it, and replaces one that is damaged', async () => {
    const { path, backup } = await backedUp(2, 3);
    const fresh = `${path}.fresh`;
    await restoreTimelines(backup, fresh);
    expect(look(fresh).count('timeline_entries')).toBe(2);
    const link = join(dirname(path), 'link.db');
    symlinkSync(basename(path), link);
    await restoreTimelines(backup, link);
    expect(look(path).count('timeline_entries')).toBe(2);
    const damaged = `${path}.damaged`;
    writeFileSync(damaged, 'x'.repeat(20_000));
    writeFileSync(`${damaged}-wal`, 'x'.repeat(20_000));
    await restoreTimelines(backup, damaged);
    expect(filesBeside(damaged)).toEqual([basename(damaged)]);
    expect(look(damaged).count('timeline_entries')).toBe(2);
  });

  it('says what is wrong with the backup, and leaves the target as it was', async () => {
    const { path, backup } = await backedUp(2, 3);
    const other = tempFile();
    look(other).database.exec('CREATE TABLE mine (x)');
    await expect(restoreTimelines(other, path)).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: /no Timelines/,
    });
    await expect(restoreTimelines(`${path}.none`, path)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    await expect(restoreTimelines(path, path)).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      argument: 'target',
    });
    await expect(restoreTimelines(other, `${path}.new`)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    expect(existsSync(`${path}.new`)).toBe(false);
    const store = await openStore(path);
    expect(await messages(store)).toHaveLength(5);
    await store.close();
    rmSync(path);
    await restoreTimelines(backup, path);
    expect(look(path).count('timeline_entries')).toBe(2);
  });

  it('of two at once one wins, or one is refused; the file is whole', async () => {
    const { path, backup } = await backedUp(2, 3);
    const results = await Promise.allSettled([restoreTimelines(backup, path), restoreTimelines(backup, path)]);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons.length).toBeLessThan(2);
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'TIMELINE_BUSY' });
    expect(filesBeside(path)).toEqual([basename(path), basename(backup)]);
    expect(await checkTimelines(path)).toEqual({ ok: true, problems: [] });
  });
});

it('a backup that is copied into place by hand begins an epoch of its own, and is a WAL file again', async () => {
  const { path, backup } = await backedUp(5, 5);
  const epochOf = (file: string) => look(file).all("SELECT value FROM timeline_meta WHERE key = 'epoch'")[0];
  const before = epochOf(path);
  expect(epochOf(backup)).toEqual(before);
  const copied = tempFile();
  copyFileSync(backup, copied);
  const store = await openStore(copied);
  await appendAll(store, 1);
  expect(epochOf(copied)).not.toEqual(before);
  expect(look(copied).database.pragma('journal_mode', { simple: true })).toBe('wal');
  await until('nothing of a backup is left in it', () => look(copied).count('timeline_meta', "key = 'backup'") === 0);
});
