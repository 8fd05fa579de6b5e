import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { backupTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { afterTest, openLibrary, tempFile } from './support.js';

/** Stands for the class of node:sqlite, which this version of Node may not have. */
class DatabaseSync {
  readonly isOpen = true;
  exec(): void {}
  prepare(): void {}
  close(): void {}
}

/** Stands for the class of bun:sqlite. */
class BunDatabase {
  readonly filename = 'chat.db';
  query(): void {}
  exec(): void {}
  prepare(): void {}
  close(): void {}
}

const refused = (message: RegExp) =>
  expect.objectContaining({
    code: 'TIMELINE_INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  });

describe('what is no path and no handle of better-sqlite3', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /not null/],
    ['nothing', undefined, /not undefined/],
    ['a number', 7, /not 7/],
    ['an object', {}, /not an object/],
    ['a function', Database, /not a function/],
    ['a URL', new URL('file:///tmp/chat.db'), /fileURLToPath/],
    ['a Buffer', Buffer.from('x'), /not a Buffer/],
    ['a handle of node:sqlite', new DatabaseSync(), /DatabaseSync of node:sqlite/],
    ['a handle of bun:sqlite', new BunDatabase(), /bun:sqlite/],
    ['a promise of a handle', Promise.resolve(), /not a Promise/],
    ['a path with a zero character', 'chat\0.db', /zero character/],
  ])('is refused at once: %s', async (_what, source, message) => {
    expect(() => sqliteAdapter(source as never)).toThrow(refused(message));
    await expect(backupTimelines(source as never, tempFile())).rejects.toEqual(refused(message));
  });

  it.runIf(Number(process.versions.node.split('.')[0]) >= 24)('is the handle that Node brings', async () => {
    const sqlite = process.getBuiltinModule('node:sqlite') as { DatabaseSync: new (path: string) => object };
    expect(() => sqliteAdapter(new sqlite.DatabaseSync(':memory:') as never)).toThrow(refused(/node:sqlite/));
  });
});

describe('a handle that gives every integer as a bigint', () => {
  const open = () => {
    const database = new Database(tempFile());
    afterTest(() => database.close());
    return database;
  };

  it('is refused, at once or when it has become one', async () => {
    expect(() => sqliteAdapter(open().defaultSafeIntegers(true))).toThrow(refused(/defaultSafeIntegers/));
    const later = open();
    const adapter = sqliteAdapter(later);
    later.defaultSafeIntegers(true);
    await expect(openLibrary(adapter)).rejects.toEqual(refused(/defaultSafeIntegers/));
    later.defaultSafeIntegers(false);
    await expect(openLibrary(adapter)).resolves.toBeDefined();
  });
});
