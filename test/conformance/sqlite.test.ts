import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';

const CHILD = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url));
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

describeAdapter(
  { describe, it },
  {
    name: 'sqlite',
    create() {
      const file = join(mkdtempSync(join(tmpdir(), 'timeline-conformance-')), 'timeline.db');
      const adapter = sqliteAdapter(file);
      files.set(adapter, file);
      return adapter;
    },
    destroy(adapter) {
      rmSync(dirname(fileOf(adapter)), { recursive: true, force: true });
      files.delete(adapter);
    },
    reopen: (adapter) => sqliteAdapter(fileOf(adapter)),
    fork: (adapter) => fork(bundled(CHILD), [fileOf(adapter)]),
    physicalEntries: (adapter, library, timeline) => physicalEntries(fileOf(adapter), library, timeline),
  },
);
