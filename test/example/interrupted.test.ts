import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis } from '../support/redis-server.js';
import { startExample } from './run.js';

let folder: string;
/** Long enough that nobody sees its end. */
let log: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'interrupted-test-'));
  log = join(folder, 'long.txt');
  writeFileSync(log, Array.from({ length: 100_000 }, (_, i) => `[09:00] <ada> message ${i}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an example that is interrupted', () => {
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
