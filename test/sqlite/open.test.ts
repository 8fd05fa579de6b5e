import { writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../adapters/sqlite/file/schema.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { afterTest, bodiesOf, look, openFile, openLibrary, readAll, tempFile, write } from './support.js';

describe('a path', () => {
  it('holds several libraries, through one adapter and under the same name twice', async () => {
    const adapter = sqliteAdapter(tempFile());
    const store = await openLibrary(adapter, { name: 'store' });
    const sync = await openLibrary(adapter, { name: 'sync', ttlMs: 1000 });
    const twin = await openLibrary(adapter, { name: 'store' });
    await store.append([write('a', 'kept')]);
    await sync.append([write('a', 'expires'), write('b', 'x')]);
    await twin.append([write('a', 'by the twin')]);
    expect(bodiesOf(await readAll(store, 'a'))).toEqual(['kept', 'by the twin']);
    expect(bodiesOf(await readAll(twin, 'a'))).toEqual(['kept', 'by the twin']);
    expect(bodiesOf(await readAll(sync, 'a'))).toEqual(['expires']);
    expect(await store.timelines({ prefix: '', limit: 10 })).toEqual(['a']);
  });

  it('is closed with the last library, and opened again by the next', async () => {
    const path = tempFile();
    const adapter = sqliteAdapter(path);
    const first = await openLibrary(adapter, { name: 'first' });
    const second = await openLibrary(adapter, { name: 'second' });
    await first.append([write('a', 'one')]);
    await first.close();
    await second.append([write('a', 'two')]);
    await second.close();
    await expect(second.append([write('a', 'late')])).resolves.toMatchObject([
      { ok: false, error: { code: 'TIMELINE_UNAVAILABLE' } },
    ]);
    const again = await openLibrary(adapter, { name: 'first' });
    expect(bodiesOf(await readAll(again, 'a'))).toEqual(['one']);
  });

  it('is a WAL file with pages of 8 KiB, synchronised fully unless asked otherwise', async () => {
    const path = tempFile();
    const library = await openLibrary(sqliteAdapter(path));
    expect(library.capabilities).toMatchObject({ durability: 'power', readOnly: false, wakeWithinMs: 50 });
    expect((await openFile(tempFile(), {}, { wakeMs: 100 })).capabilities).toMatchObject({
      durability: 'process',
      wakeWithinMs: 200,
    });
    const { database } = look(path);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.pragma('page_size', { simple: true })).toBe(8192);
  });

  it('may be :memory:, which lasts as long as it is open', async () => {
    const adapter = sqliteAdapter(':memory:');
    const library = await openLibrary(adapter);
    expect(library.capabilities.durability).toBe('none');
    const [appended] = await library.append([write('a', 'one')]);
    expect(bodiesOf(await readAll(library, 'a'))).toEqual(['one']);
    await library.close();
    const next = await openLibrary(adapter);
    expect(await readAll(next, 'a')).toEqual([]);
    const [again] = await next.append([write('a', 'one')]);
    expect(appended?.ok && again?.ok && appended.epoch !== again.epoch).toBe(true);
  });

  it.each([
    ['a directory that is not there', () => `${tempFile()}/missing/timelines.db`, /cannot open.*missing/],
    ['a file that is no database', () => writeTo(tempFile(), 'x'.repeat(5000)), /not a database/],
  ])('that is %s fails with what is wrong', async (_what, path, message) => {
    const opening = openFile(path());
    await expect(opening).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['newer', SCHEMA_VERSION + 1, /a newer timeline-model.*update it/],
    ['older', SCHEMA_VERSION - 1, /an older timeline-model.*new file/],
  ])('written by %s version is refused and left alone', async (_age, version, message) => {
    const path = tempFile();
    await (await openFile(path)).close();
    const file = look(path);
    const write = (schema: number) =>
      file.database.exec(`UPDATE timeline_meta SET value = '${schema}' WHERE key = 'schema'`);
    write(version);
    const refused = { code: 'TIMELINE_UNSUPPORTED', message: expect.stringMatching(message) };
    await expect(openFile(path)).rejects.toMatchObject(refused);
    await expect(openFile(path, {}, { readonly: true })).rejects.toMatchObject(refused);
    write(SCHEMA_VERSION);
    await expect(openFile(path)).resolves.toBeDefined();
  });
});

describe('readonly', () => {
  it('reads what others write, and refuses to write', async () => {
    const path = tempFile();
    const writer = await openFile(path);
    await writer.append([write('a', 'one')]);
    const reader = await openFile(path, {}, { readonly: true });
    expect(reader.capabilities.readOnly).toBe(true);
    expect(bodiesOf(await readAll(reader, 'a'))).toEqual(['one']);
    await writer.append([write('a', 'two')]);
    expect(bodiesOf(await readAll(reader, 'a'))).toEqual(['one', 'two']);
    const unsupported = { code: 'TIMELINE_UNSUPPORTED' };
    await expect(reader.append([write('a', 'x')])).resolves.toMatchObject([{ ok: false, error: unsupported }]);
    await expect(reader.update('a', 1n, { body: 'x', shared: false })).rejects.toMatchObject(unsupported);
    await expect(reader.delete('a', 1n)).rejects.toMatchObject(unsupported);
    await expect(reader.trim('a', { keepLast: 0 })).rejects.toMatchObject(unsupported);
    const position = { epoch: 'x', seqId: 1n };
    await expect(reader.checkpoints.advance([{ timeline: 'a', reader: 'r', ...position }])).rejects.toMatchObject(
      unsupported,
    );
    await expect(reader.checkpoints.reset([{ timeline: 'a', reader: 'r', position }])).rejects.toMatchObject(
      unsupported,
    );
    expect(bodiesOf(await readAll(writer, 'a'))).toEqual(['one', 'two']);
  });

  it('needs a file that is there, with Timelines and the library in it', async () => {
    const readonly = { readonly: true };
    const unavailable = (message: RegExp) => ({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringMatching(message),
    });
    await expect(openFile(tempFile(), {}, readonly)).rejects.toMatchObject(unavailable(/cannot open/));
    const other = tempFile();
    look(other).database.exec('CREATE TABLE mine (x)');
    await expect(openFile(other, {}, readonly)).rejects.toMatchObject(unavailable(/has no Timelines/));
    const path = tempFile();
    await (await openFile(path)).close();
    await expect(openFile(path, { name: 'other' }, readonly)).rejects.toMatchObject(unavailable(/no library other/));
  });
});

describe('an injected handle', () => {
  const inject = () => {
    const database = new Database(tempFile());
    afterTest(() => database.close());
    database.exec("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ada')");
    return database;
  };

  it('stays open and keeps the tables of its owner', async () => {
    const database = inject();
    const library = await openLibrary(sqliteAdapter(database));
    await library.append([write('a', 'one')]);
    database.prepare('INSERT INTO users VALUES (?)').run('grace');
    expect(bodiesOf(await readAll(library, 'a'))).toEqual(['one']);
    await library.close();
    expect(database.prepare('SELECT name FROM users').pluck().all()).toEqual(['ada', 'grace']);
    expect(database.pragma('wal_autocheckpoint', { simple: true })).toBe(1000);
    const again = await openLibrary(sqliteAdapter(database));
    expect(bodiesOf(await readAll(again, 'a'))).toEqual(['one']);
  });

  it('with a transaction of its owner open is busy, and nothing is written into that transaction', async () => {
    const database = inject();
    const library = await openLibrary(sqliteAdapter(database));
    database.exec('BEGIN');
    const busy = { code: 'TIMELINE_BUSY', retryable: true, outcome: 'not-applied' };
    const [outcome] = await library.append([write('a', 'one')]);
    expect(outcome).toMatchObject({ ok: false, error: busy });
    await expect(library.heads(['a'])).rejects.toMatchObject(busy);
    database.exec('ROLLBACK');
    expect(await library.append([write('a', 'one')])).toMatchObject([{ ok: true, entries: [{ seqId: 1n }] }]);
  });

  it('may be shared by two adapters, each of which sees and hears what the other does', async () => {
    const database = inject();
    const one = await openLibrary(sqliteAdapter(database));
    const two = await openLibrary(sqliteAdapter(database, { wakeMs: 5 }));
    const woken = new Promise<void>((resolve) => afterTest(two.watch('a', () => resolve())));
    await two.append([write('a', 'by two')]);
    await one.append([write('a', 'by one')]);
    await two.append([write('a', 'by two again')]);
    expect(bodiesOf(await readAll(one, 'a'))).toEqual(['by two', 'by one', 'by two again']);
    await woken;
  });

  it('that its owner has closed is unavailable', async () => {
    const database = inject();
    const adapter = sqliteAdapter(database);
    const library = await openLibrary(adapter);
    database.close();
    await expect(library.heads(['a'])).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    await library.close();
    await expect(openLibrary(adapter)).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringContaining('closed'),
    });
  });
});

it.each([{ wakeMs: 0 }, { busyTimeoutMs: -1 }, { walSoftBytes: Number.NaN }, { synchronous: 'off' as 'full' }])(
  'options are checked: %j',
  (options) => {
    expect(() => sqliteAdapter('x.db', options)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT', argument: Object.keys(options)[0] }),
    );
  },
);

function writeTo(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}
