import { statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import workers from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { until } from '../support/until.js';
import { look, openFile, openLibrary, readAll, tempFile, write } from './support.js';

const body = 'x'.repeat(1000);
const batch = (timelines: number) =>
  Array.from({ length: timelines }, (_, i) => write(`t${i}`, ...Array<string>(20).fill(body)));
const walBytes = (path: string) => statSync(`${path}-wal`).size;
const MiB = 2 ** 20;

describe('the write-ahead log', () => {
  it('stays near its soft limit under full load, and the event loop stays free', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { walSoftBytes: 2 * MiB });
    const holds = watchLoop();
    for (let i = 0; i < 40; i++) await library.append(batch(40));
    const typical = holds();
    const written = 40 * 40 * 20 * body.length;
    expect(written).toBeGreaterThan(30 * MiB);
    expect(walBytes(path)).toBeLessThan(12 * MiB);
    expect(typical).toBeLessThan(50);
    expect(library.warnings).toEqual([]);
    await library.close();
    expect(() => walBytes(path)).toThrow('ENOENT');
    expect(look(path).count('timeline_entries')).toBe(40 * 40 * 20);
  });

  it('of an injected handle stays short in the same way, and the handle gets its own checkpoints back', async () => {
    const path = tempFile();
    const { database } = look(path);
    database.pragma('wal_autocheckpoint = 3000');
    const library = await openLibrary(sqliteAdapter(database, { synchronous: 'normal', walSoftBytes: 2 * MiB }));
    for (let i = 0; i < 40; i++) await library.append(batch(40));
    expect(walBytes(path)).toBeLessThan(12 * MiB);
    expect(library.warnings).toEqual([]);
    await library.close();
    expect(database.pragma('wal_autocheckpoint', { simple: true })).toBe(3000);
  });

  it('that a reader pins grows to its hard limit with a warning; then writes are busy until it leaves', async () => {
    const path = tempFile();
    const limits = { walSoftBytes: 2 * MiB, walHardBytes: 6 * MiB, busyTimeoutMs: 1000 };
    const library = await openFile(path, {}, limits);
    await library.append(batch(1));
    const reader = look(path).database;
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM timeline_entries').get();
    const busy = {
      ok: false,
      error: {
        code: 'TIMELINE_BUSY',
        retryable: true,
        outcome: 'not-applied',
        message: expect.stringContaining('walHardBytes'),
      },
    };
    await until('a write is refused', async () => !(await library.append(batch(40)))[0]!.ok);
    expect(await library.append(batch(1))).toMatchObject([busy]);
    await until('that is told', () => library.warnings.length > 0);
    expect(library.warnings.map(({ code }) => code)).toEqual(['wal-pinned']);
    expect(walBytes(path)).toBeLessThan(12 * MiB);
    const before = await readAll(library, 't0');

    const waiting = library.append([write('t0', 'once the reader has left')]);
    reader.exec('COMMIT');
    expect(await waiting).toMatchObject([{ ok: true }]);
    expect(await readAll(library, 't0')).toHaveLength(before.length + 1);
    for (let i = 0; i < 10; i++) expect((await library.append(batch(40)))[0]!.ok).toBe(true);
    expect(walBytes(path)).toBeLessThan(16 * MiB);
  });

  it('is checkpointed by the connection itself, with a warning, when the worker cannot run', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { walSoftBytes: 2 * MiB });
    await withoutThreads(async () => {
      for (let i = 0; i < 20; i++) expect((await library.append(batch(40)))[0]!.ok).toBe(true);
    });
    expect(library.warnings.map(({ code }) => code)).toEqual(['checkpoint-worker']);
    expect(walBytes(path)).toBeLessThan(12 * MiB);
  });

  it('has its hard limit without a worker too', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { walSoftBytes: 2 * MiB, walHardBytes: 6 * MiB, busyTimeoutMs: 1000 });
    await library.append(batch(1));
    const reader = look(path).database;
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM timeline_entries').get();
    await withoutThreads(async () => {
      await until('a write is refused', async () => !(await library.append(batch(40)))[0]!.ok);
      expect(walBytes(path)).toBeLessThan(12 * MiB);
      reader.exec('COMMIT');
      expect(await library.append(batch(1))).toMatchObject([{ ok: true }]);
    });
  });
});

/** Like a platform without threads. */
async function withoutThreads(run: () => Promise<void>): Promise<void> {
  const { Worker } = workers;
  workers.Worker = class {
    constructor() {
      throw new Error('no threads here');
    }
  } as unknown as typeof Worker;
  syncBuiltinESMExports();
  try {
    await run();
  } finally {
    workers.Worker = Worker;
    syncBuiltinESMExports();
  }
}

/** Watches the event loop until the returned function is called, which returns the 95th percentile of holds in ms. */
function watchLoop(): () => number {
  const holds: number[] = [];
  let last = performance.now();
  const note = () => {
    const now = performance.now();
    holds.push(now - last);
    last = now;
    immediate = setImmediate(note);
  };
  let immediate = setImmediate(note);
  return () => {
    clearImmediate(immediate);
    return holds.sort((a, b) => a - b)[Math.floor(holds.length * 0.95)]!;
  };
}
