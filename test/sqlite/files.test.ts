import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { backupTimelines, checkTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';
import { until } from '../support/until.js';
import { afterTest, bodiesOf, look, openFile, openLibrary, readAll, spawnChild, tempFile, write } from './support.js';

const gone = (outcome = 'not-applied') => ({
  code: 'TIMELINE_UNAVAILABLE',
  retryable: false,
  outcome,
  message: expect.stringContaining('deleted, moved or replaced'),
});

const filesOf = (path: string) =>
  readdirSync(dirname(path))
    .filter((name) => name.startsWith(basename(path)))
    .map((name) => join(dirname(path), name));

function removeAll(path: string): void {
  for (const file of filesOf(path)) rmSync(file);
}

function moveAll(path: string): void {
  const folder = join(dirname(path), 'elsewhere');
  mkdirSync(folder);
  for (const file of filesOf(path)) renameSync(file, join(folder, basename(file)));
}

/** Puts another database under its name, as `mv other.db chat.db` does; the old log stays. */
function replace(path: string): void {
  const other = new Database(`${path}.other`);
  other.exec('CREATE TABLE other (x)');
  other.close();
  renameSync(`${path}.other`, path);
}

/** Appends one by one until that fails; counts the bodies that were acknowledged after more than a second. */
async function appendUntilGone(
  library: Awaited<ReturnType<typeof openFile>>,
): Promise<{ late: number; error: unknown }> {
  const start = performance.now();
  let late = 0;
  for (let i = 0; ; i++) {
    const [outcome] = await library.append([write('a', `${i}`)]);
    if (!outcome!.ok) return { late, error: outcome!.error };
    if (performance.now() - start > 1000) late++;
    if (performance.now() - start > 10_000) return { late, error: undefined };
  }
}

describe('a file that goes away under a process', () => {
  it.each([
    ['removed', removeAll],
    ['moved', moveAll],
    ['replaced', replace],
    ['robbed of its log', (path: string) => rmSync(`${path}-wal`)],
    ['robbed of its shared memory', (path: string) => rmSync(`${path}-shm`)],
  ])('that is %s acknowledges nothing from a second later on, and reads nothing', async (_how, change) => {
    const path = tempFile();
    const library = await openFile(path);
    await library.append([write('a', 'before')]);
    change(path);
    const { late, error } = await appendUntilGone(library);
    expect(late).toBe(0);
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', message: expect.stringContaining('replaced') });
    expect(await library.append([write('a', 'more')])).toMatchObject([{ ok: false, error: gone() }]);
    await expect(library.heads(['a'])).rejects.toMatchObject(gone());
    await expect(library.trim('a', { keepLast: 0 })).rejects.toMatchObject(gone());
    await library.close();
  });

  it('is another one once it is opened again, also while somebody still has the old one', async () => {
    const path = tempFile();
    const adapter = sqliteAdapter(path, { synchronous: 'normal' });
    const old = await openLibrary(adapter);
    await old.append([write('a', 'old')]);
    removeAll(path);
    await until('it is noticed', () =>
      old.heads(['a']).then(
        () => false,
        () => true,
      ),
    );
    const fresh = await openLibrary(adapter);
    expect(await readAll(fresh, 'a')).toEqual([]);
    await fresh.append([write('a', 'new')]);
    await expect(old.heads(['a'])).rejects.toMatchObject(gone());
    await old.close();
    expect(bodiesOf(await readAll(fresh, 'a'))).toEqual(['new']);
    expect(await fresh.append([write('a', 'newer')])).toMatchObject([{ ok: true }]);
  });

  it('ends a subscription that waits, within a second or so, with the reason', async () => {
    const path = tempFile();
    const store = await openTimelineStore<string>({ adapter: sqliteAdapter(path), name: 'test', pollMs: 60_000 });
    afterTest(() => store.close());
    await store.timeline('a').append('one');
    const stream = store.timeline('a').subscribe()[Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next();
    const start = performance.now();
    removeAll(path);
    await expect(next).rejects.toMatchObject(gone());
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('takes nothing from the database that has replaced it, when the old one is closed', async () => {
    const path = tempFile();
    const library = await openFile(path);
    await library.append([write('a', 'old')]);
    removeAll(path);
    const child = spawnChild('appendOnDemand', path);
    await once(child, 'message');
    await until('it is noticed', () =>
      library.heads(['a']).then(
        () => false,
        () => true,
      ),
    );
    for (let i = 0; i < 3; i++) {
      child.send('append');
      await once(child, 'message');
    }
    await library.close();
    child.send('append');
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await checkTimelines(path)).toEqual({ ok: true, problems: [] });
    expect(look(path).count('timeline_entries')).toBe(4);
  });

  it('is noticed under a handle of somebody else too, whether it goes before or after opening', async () => {
    const path = tempFile();
    const database = new Database(path);
    afterTest(() => database.close());
    const adapter = sqliteAdapter(database);
    const library = await openLibrary(adapter);
    await library.append([write('a', 'one')]);
    replace(path);
    await until('it is noticed', () =>
      library.heads(['a']).then(
        () => false,
        () => true,
      ),
    );
    await library.close();
    await expect(openLibrary(adapter)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
  });

  it('is not suspected where the owner of a handle changes its journal mode', async () => {
    const database = new Database(tempFile());
    afterTest(() => database.close());
    const library = await openLibrary(sqliteAdapter(database, { walSoftBytes: 2 ** 30, walHardBytes: 2 ** 30 }));
    await library.append([write('a', 'one')]);
    database.pragma('journal_mode = DELETE');
    const end = performance.now() + 600;
    while (performance.now() < end) expect(await library.append([write('a', 'more')])).toMatchObject([{ ok: true }]);
  });
});

it('a copy in rollback-journal mode is put back into WAL when it is opened, but not for reading only', async () => {
  const path = tempFile();
  await (await openFile(path)).append([write('a', 'one')]);
  const copy = `${path}.copy`;
  look(path).database.exec(`VACUUM INTO '${copy}'`);
  const modeOf = (file: string) => {
    const database = new Database(file);
    const mode = database.pragma('journal_mode', { simple: true });
    database.close();
    return mode;
  };
  expect(modeOf(copy)).toBe('delete');
  const reader = await openFile(copy, {}, { readonly: true });
  expect(bodiesOf(await readAll(reader, 'a'))).toEqual(['one']);
  await reader.close();
  expect(modeOf(copy)).toBe('delete');
  const library = await openFile(copy);
  expect(await library.append([write('a', 'two')])).toMatchObject([{ ok: true, entries: [{ seqId: 2n }] }]);
  expect(modeOf(copy)).toBe('wal');
  const injected = `${path}.injected`;
  copyFileSync(copy, injected);
  await library.close();
  await backupTimelines(copy, `${path}.backup`);
  expect(modeOf(`${path}.backup`)).toBe('delete');
  const database = new Database(`${path}.backup`);
  afterTest(() => database.close());
  await openLibrary(sqliteAdapter(database));
  expect(modeOf(`${path}.backup`)).toBe('wal');
});
