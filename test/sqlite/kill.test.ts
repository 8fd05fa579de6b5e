import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';
import { nightly } from '../support/nightly.js';
import { spawnChild, tempFile } from './support.js';

const KILLS = nightly ? 50 : 16;
const LANES = 2;
const TIMELINES = ['shared', 'inbox:1', 'inbox:2', 'inbox:3'];

it(`a writer killed ${KILLS} times loses nothing acknowledged, repeats nothing, and leaves a sound file`, async () => {
  const lane = async () => {
    const path = tempFile();
    const acknowledged = new Map<string, string[]>();
    const positions = new Map<string, { last: bigint; messages: Set<string> }>();
    for (let i = 0; i < KILLS / LANES; i++) {
      await killWriter(path, `run${i}`, acknowledged);
      await check(path, acknowledged, positions);
    }
    return acknowledged.size;
  };
  const acknowledged = await Promise.all(Array.from({ length: LANES }, lane));
  for (const count of acknowledged) expect(count).toBeGreaterThan(KILLS);
}, 180_000);

/** Kills it 0 to 60 ms after its first acknowledgement. */
async function killWriter(path: string, run: string, acknowledged: Map<string, string[]>): Promise<void> {
  const child = spawnChild('appendForever', path, run);
  const closed = once(child, 'close');
  let killing: Promise<unknown> | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [message, ...ids] = line.split(' ');
    if (ids.length === TIMELINES.length) acknowledged.set(message!, ids);
    killing ??= delay(Math.random() * 60).then(() => child.kill('SIGKILL'));
  }
  await killing;
  await closed;
}

/** Checks that every acknowledged entry has its SeqId, ids are dense, nothing is there twice, and the file is sound. */
async function check(
  path: string,
  acknowledged: Map<string, string[]>,
  positions: Map<string, { last: bigint; messages: Set<string> }>,
) {
  const database = new Database(path);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  const dangling =
    'SELECT count(*) FROM timeline_bodies b WHERE refs <> (SELECT count(*) FROM timeline_entries WHERE ref = b.id)';
  if (positions.size === 0) expect(database.prepare(dangling).pluck().get()).toBe(0);
  database.close();
  await using store = await openTimelineStore<string>({ adapter: sqliteAdapter(path), name: 'test' });
  for (const [i, id] of TIMELINES.entries()) {
    const position = positions.get(id) ?? { last: 0n, messages: new Set<string>() };
    positions.set(id, position);
    const at = new Map<string, string>();
    for await (const { seqId, message } of store.timeline(id).scan({ after: position.last })) {
      expect(seqId).toBe(position.last + 1n);
      expect(position.messages.has(message)).toBe(false);
      position.messages.add(message);
      position.last = seqId;
      at.set(message, String(seqId));
    }
    for (const [message, ids] of acknowledged) {
      if (at.has(message)) expect(ids[i]).toBe(at.get(message));
      else expect(position.messages.has(message)).toBe(true);
    }
  }
}
