import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { UsageError } from '../usage-error.js';
import type { Backend } from './place.js';

/** Uses the server of `url`, or starts one on a socket in `folder`. */
export async function startRedis(url: string | undefined, folder: string): Promise<Backend> {
  if (url) {
    if (!/^rediss?:\/\/./.test(url) || !URL.canParse(url))
      throw new UsageError('REDIS_URL must be like redis://localhost:6379');
    return { place: { store: 'redis', address: url }, close: async () => {} };
  }
  const address = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', address, '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => server.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    let log = '';
    server.stdout.on('data', (chunk) => {
      log += chunk;
      if (/ready to accept connections/i.test(log)) resolve();
    });
    server.once('exit', () => reject(new UsageError(`redis-server does not start: ${log.trim().split('\n').at(-1)}`)));
    server.once('error', (error: NodeJS.ErrnoException) => {
      const hint = 'no Redis: set REDIS_URL, or install redis-server (apt-get install redis-server)';
      reject(error.code === 'ENOENT' ? new UsageError(hint) : error);
    });
  });
  const close = async () => {
    const exited = once(server, 'exit');
    server.kill();
    await exited;
  };
  return { place: { store: 'redis', address }, close };
}
