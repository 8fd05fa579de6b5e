import { once } from 'node:events';
import { copyFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { checkTimelines, restoreTimelines } from '../../adapters/sqlite/index.js';
import { nightly } from '../support/nightly.js';
import { spawnChild, tempFile } from './support.js';

const OLD = 900;
const NEW = 300;

/** Counts the entries of the file, as the next process to open it sees them. */
function entriesOf(path: string): number {
  const database = new Database(path, { fileMustExist: true });
  try {
    return database.prepare('SELECT count(*) FROM timeline_entries').pluck().get() as number;
  } finally {
    database.close();
  }
}

/** A database of a killed process, whose log is ahead of its file; and its backup. */
async function left(): Promise<{ path: string; backup: string; reset: () => void }> {
  const path = tempFile();
  const backup = `${path}.backup`;
  const child = spawnChild('appendAndDie', path, String(NEW), String(OLD - NEW), backup);
  await once(child, 'exit');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, `${path}.saved${suffix}`);
  const reset = () => {
    for (const suffix of ['', '-wal']) copyFileSync(`${path}.saved${suffix}`, path + suffix);
  };
  return { path, backup, reset };
}

it('killed at any step, a restore leaves the old database or the new one, and can be repeated', async () => {
  const { path, backup, reset } = await left();
  const seen = new Set<number>();
  let step = 1;
  for (let isDone = false; !isDone; step += nightly ? 1 : 3) {
    reset();
    const child = spawnChild('restoreAndDie', path, backup, String(step));
    const [code] = await once(child, 'exit');
    isDone = code === 0;
    const count = entriesOf(path);
    expect([OLD, NEW], `killed at step ${step}`).toContain(count);
    seen.add(count);
    expect(await checkTimelines(path), `killed at step ${step}`).toEqual({ ok: true, problems: [] });
  }
  expect(step).toBeGreaterThan(20);
  expect([...seen].sort()).toEqual([NEW, OLD]);
  await restoreTimelines(backup, path);
  expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.part'))).toEqual([]);
}, 120_000);
