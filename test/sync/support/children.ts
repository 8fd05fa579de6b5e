import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterTest, tempFile } from '../../sqlite/support.js';
import { bundled } from '../../support/bundled.js';
import { RedisServer } from '../../support/redis-server.js';
import type { DatabaseLocation } from './crowd.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Databases that several processes can share. Each call makes a new one, removed after the test. */
export const SHARED: readonly [DatabaseLocation['kind'], () => Promise<DatabaseLocation>][] = [
  ['sqlite', async () => ({ kind: 'sqlite', where: tempFile() })],
  [
    'redis',
    async () => {
      const server = await RedisServer.start();
      afterTest(() => server.stop());
      return { kind: 'redis', where: String(server.port) };
    },
  ],
];

/** Starts `child.ts` with one of its commands. */
export function spawnChild(
  command: string,
  { kind, where }: DatabaseLocation,
  args: readonly string[] = [],
): ChildProcess {
  const child = spawn(process.execPath, [bundled(CHILD), command, kind, where, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterTest(() => child.kill('SIGKILL'));
  return child;
}

/** Collects the lines of a child until it ends with status 0. */
export async function linesOf(child: ChildProcess): Promise<string[]> {
  const closed = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) lines.push(line);
  const [code] = await closed;
  if (code !== 0) throw new Error(`the child process ended with ${code}`);
  return lines;
}
