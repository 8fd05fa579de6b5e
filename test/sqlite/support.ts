import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { type SqliteAdapterOptions, sqliteAdapter } from '../../adapters/sqlite/index.js';
import type { AdapterWarning, LibraryClock, Row, TimelineAdapter, Write } from '../../src/adapter.js';
import { bundled } from '../support/bundled.js';
import { type DirectLibrary, direct, openingOptions, trusting } from '../support/direct-library.js';

/** Runs when the test ends, the latest first. */
export function afterTest(cleanup: () => unknown): void {
  onTestFinished(async () => {
    await cleanup();
  });
}

export function tempFile(name = 'timelines.db'): string {
  const directory = mkdtempSync(join(tmpdir(), 'timeline-sqlite-'));
  afterTest(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

/** A second handle on the file, to read its rows. */
export function look(path: string): {
  count(table: string, where?: string): number;
  all(sql: string): unknown[];
  database: Database.Database;
} {
  const database = new Database(path);
  afterTest(() => database.close());
  const count = (table: string, where = '1') =>
    database.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get() as number;
  return { count, all: (sql) => database.prepare(sql).all(), database };
}

export type TestLibrary = DirectLibrary & {
  readonly warnings: AdapterWarning[];
  readonly clock: { now: number };
};

export interface LibrarySettings {
  readonly name?: string;
  readonly ttlMs?: number;
  readonly alter?: boolean;
  /** Trusted: counts at once and alone. */
  readonly clock?: { now: number };
  /** Replaces `clock`. */
  readonly accepted?: LibraryClock;
}

/** A library of the adapter without the core, with a clock of its own; closed after the test unless the test has. */
export async function openLibrary(
  adapter: TimelineAdapter,
  { name = 'test', ttlMs, alter = false, clock = { now: 1_700_000_000_000 }, accepted }: LibrarySettings = {},
): Promise<TestLibrary> {
  const warnings: AdapterWarning[] = [];
  const warn = (warning: AdapterWarning) => warnings.push(warning);
  const opened = await adapter.open(
    openingOptions(name, { ttlMs, alter, clock: accepted ?? trusting(() => clock.now), warn }),
  );
  const library = direct(opened, opened.capabilities.budgetMs);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= library.close();
    return closed;
  };
  afterTest(close);
  return new Proxy(library, {
    get: (target, name) => ({ close, warnings, clock })[name as 'close'] ?? Reflect.get(target, name),
  }) as TestLibrary;
}

export function openFile(
  path: string,
  settings: LibrarySettings = {},
  options: SqliteAdapterOptions = {},
): Promise<TestLibrary> {
  return openLibrary(sqliteAdapter(path, { synchronous: 'normal', ...options }), settings);
}

export function write(timeline: string, ...bodies: string[]): Write {
  return { timeline, entries: bodies.map((body) => ({ payload: { body, shared: false } })) };
}

/** Writes of one body to each of the Timelines. */
export function fanOut(timelines: readonly string[], body: string): Write[] {
  const payload = { body, shared: true };
  return timelines.map((timeline) => ({ timeline, entries: [{ payload }] }));
}

export async function readAll(library: DirectLibrary, timeline: string, after?: bigint): Promise<Row[]> {
  const rows: Row[] = [];
  for (let from = after; ; from = rows.at(-1)!.seqId) {
    const [slice] = await library.read([{ timeline, after: from, limit: 10_000, reverse: false }]);
    rows.push(...slice!.rows);
    if (!slice!.more) return rows;
  }
}

export const bodiesOf = (rows: readonly Row[]) => rows.map((row) => row.body);

/** Starts another process on the same file; `child.ts` has its commands. */
export function spawnChild(...args: string[]): ChildProcess {
  const script = bundled(fileURLToPath(new URL('./child.ts', import.meta.url)));
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const;
  const env = { ...process.env, ...(args[0] === 'readWithUris' && { SQLITE_USE_URI: '1' }) };
  // In blocks of 1024 bytes.
  const limited = ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath, script, ...args];
  const child =
    args[0] === 'appendUntilRefused'
      ? spawn('bash', limited, { stdio: [...stdio] })
      : fork(script, args, { stdio: [...stdio], env });
  afterTest(() => child.kill('SIGKILL'));
  return child;
}
