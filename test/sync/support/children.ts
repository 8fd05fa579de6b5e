import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterTest, tempFile } from '../../sqlite/support.js';
import { bundled } from '../../support/bundled.js';
import { RedisServer } from '../../support/redis-server.js';
import type { Place } from './crowd.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** What several processes can share, each made anew and gone after the test. */
export const SHARED: readonly [Place['kind'], () => Promise<Place>][] = [
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

/** See `child.ts` for what it can do. */
export function spawnChild(command: string, { kind, where }: Place, args: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, [bundled(CHILD), command, kind, where, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterTest(() => child.kill('SIGKILL'));
  return child;
}

/** The lines that it says, until it has ended well. */
export async function linesOf(child: ChildProcess): Promise<string[]> {
  const closed = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) lines.push(line);
  const [code] = await closed;
  if (code !== 0) throw new Error(`the child process ended with ${code}`);
  return lines;
}
