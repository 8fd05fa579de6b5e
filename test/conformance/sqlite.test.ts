import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, it } from 'vitest';
import { type SqliteAdapterOptions, sqliteAdapter } from '../../adapters/sqlite/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';

const CHILD = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url));
const BUDGET_MS = 1000;
const files = new Map<TimelineAdapter, string>();

function fileOf(adapter: TimelineAdapter): string {
  const file = files.get(adapter);
  if (!file) throw new Error('not an adapter of this test');
  return file;
}

function physicalEntries(file: string, library: string, timeline: string): number {
  const database = new Database(file, { readonly: true });
  try {
    const count = database.prepare<[string, string], { rows: number }>(`
      SELECT count(*) AS rows FROM timeline_entries e
      JOIN timeline_timelines t ON t.id = e.timeline JOIN timeline_libraries l ON l.id = t.library
      WHERE l.name = ? AND t.name = ?`);
    return count.get(library, timeline)?.rows ?? 0;
  } finally {
    database.close();
  }
}

function create(options: SqliteAdapterOptions = {}): TimelineAdapter {
  const file = join(mkdtempSync(join(tmpdir(), 'timeline-conformance-')), 'timeline.db');
  const adapter = sqliteAdapter(file, options);
  files.set(adapter, file);
  return adapter;
}

function destroy(adapter: TimelineAdapter): void {
  rmSync(dirname(fileOf(adapter)), { recursive: true, force: true });
  files.delete(adapter);
}

/** Another connection holds the lock of writers: SQLite answers none of them. Readers of a log are never held up. */
async function lock(adapter: TimelineAdapter): Promise<() => Promise<void>> {
  const database = new Database(fileOf(adapter));
  database.exec('BEGIN IMMEDIATE');
  return async () => {
    database.close();
  };
}

describeAdapter(
  { describe, it },
  {
    name: 'sqlite, locked',
    laws: ['Budget'],
    create: () => create({ busyTimeoutMs: BUDGET_MS }),
    destroy,
    reopen: (adapter) => sqliteAdapter(fileOf(adapter), { busyTimeoutMs: BUDGET_MS }),
    silence: lock,
  },
);

describeAdapter(
  { describe, it },
  {
    name: 'sqlite',
    eachNthRange: nightly ? 1 : 5,
    create: () => create(),
    destroy,
    reopen: (adapter) => sqliteAdapter(fileOf(adapter)),
    fork: (adapter) => fork(bundled(CHILD), [fileOf(adapter)]),
    physicalEntries: (adapter, library, timeline) => physicalEntries(fileOf(adapter), library, timeline),
  },
);
