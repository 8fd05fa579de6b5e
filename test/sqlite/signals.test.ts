import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type BetterSqlite3Database, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { until } from '../support/until.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'timeline-signals-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

async function open(source: string | BetterSqlite3Database, name = 'library', readonly = false) {
  const store = await openTimelineStore<string>({ adapter: sqliteAdapter(source, { readonly }), name });
  onTestFinished(() => store.close());
  return store;
}

function listen(store: TimelineStore<string>): string[] {
  const heard: string[] = [];
  store.listen(['t'], (_, payload) => heard.push(payload));
  return heard;
}

describe('signals on SQLite', () => {
  it('reach all handles of one file in this process, by whichever name, and no other file', async () => {
    const file = join(directory, 'one.db');
    const one = await open(file);
    symlinkSync(file, join(directory, 'link.db'));
    const handle = new Database(file);
    onTestFinished(() => {
      handle.close();
    });
    const all = [one, await open(file), await open(join(directory, 'link.db')), await open(handle)];
    all.push(await open(file, 'library', true));
    const strangers = [await open(join(directory, 'two.db')), await open(file, 'other'), await open(':memory:')];
    const [heard, unheard] = [all.map(listen), strangers.map(listen)];
    for (const [i, store] of all.entries()) await store.publish('t', `from ${i}`);
    const expected = all.map((_, i) => `from ${i}`);
    await until('all are heard by all', () => heard.every((each) => each.length === expected.length));
    for (const each of heard) expect(each).toEqual(expected);
    expect(unheard).toEqual([[], [], []]);
  });

  it('reach the libraries of one database without a file, and those of no other', async () => {
    const handle = new Database(':memory:');
    onTestFinished(() => {
      handle.close();
    });
    const stores = [await open(handle), await open(handle), await open(':memory:')];
    const heard = stores.map(listen);
    await stores[0]?.publish('t', 'x');
    await until('both hear it', () => heard[0]?.length === 1 && heard[1]?.length === 1);
    expect(heard[2]).toEqual([]);
  });
});
