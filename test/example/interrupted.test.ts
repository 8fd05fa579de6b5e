import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { KEPT_MS } from '../../examples/kept.js';
import { openMessageSync } from '../../sync/index.js';
import { hasRedis } from '../support/redis-server.js';
import { example, spawnExample, startExample } from './run.js';

let folder: string;
/** Long enough that nobody sees its end. */
let log: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'interrupted-test-'));
  log = join(folder, 'long.txt');
  writeFileSync(log, Array.from({ length: 20_000 }, (_, i) => `[09:00] <ada> message ${i}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an example that is interrupted', () => {
  it('goes on where a killed import stopped, and repeats nothing', async () => {
    const db = join(folder, 'killed.db');
    const part = join(folder, 'killed.txt');
    const said = (i: number) => `[09:00] <user ${i % 7}> message ${i}\n`;
    const comings = (i: number) => (i % 20 ? '' : `=== user ${i % 7} has left #x\n=== guest ${i} has joined #x\n`);
    writeFileSync(part, Array.from({ length: 700 }, (_, i) => comings(i) + said(i)).join(''));
    const child = spawnExample('--db', db, '--import', part);
    await oneMessageIn(db, 'killed', 100n);
    child.kill('SIGKILL');
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);

    const finished = await example('--db', db, '--import', part);
    expect(finished).toMatchObject({ code: 0, err: '' });
    expect(finished.out).toContain('✓ history   700 messages, in the order and with the text sent');
    expect(finished.out).toContain('✓ inboxes   42 inboxes');
    const counts = /stored +([\d,]+) +([\d,]+) were there already/.exec(finished.out)?.slice(1) ?? [];
    const [stored, before] = counts.map((text) => Number(text.replace(',', '')));
    expect(before).toBeGreaterThan(50);
    expect(stored).toBeGreaterThan(0);
    expect(stored! + before!).toBe(700);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('removes its database on %s', async (signal, code) => {
    const { child, place } = await startExample('--import', log);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([code, null]);
    expect(existsSync(dirname(place))).toBe(false);
  });

  it.skipIf(!hasRedis())('stops its redis-server and removes the data', async () => {
    const { child, place } = await startExample('--store', 'redis', '--import', log);
    const connection = connect(place);
    await once(connection, 'connect');
    const ended = once(connection, 'close');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    await ended;
    expect(existsSync(dirname(place))).toBe(false);
  });
});

/** Resolves once the conversation, which another process writes, has an entry of this SeqId. */
async function oneMessageIn(db: string, conversation: string, seqId: bigint): Promise<void> {
  const sync = await openMessageSync({ adapter: sqliteAdapter(db, { keyWindowMs: KEPT_MS }), ttlMs: KEPT_MS });
  for await (const entry of sync.history(conversation).subscribe()) if (entry.seqId >= seqId) break;
  await sync.close();
}
