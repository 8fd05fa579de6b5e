import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';
import { UsageError } from './usage-error.js';

export interface RedisServer {
  /** Path of its socket. It has no port, so no other program connects to it. */
  readonly path: string;
  stop(): Promise<void>;
}

/** Starts a redis-server from PATH for this run, with its data in a temporary folder. Ends with the process. */
export async function startRedisServer(): Promise<RedisServer> {
  const folder = temporaryFolder();
  const path = join(folder, 'redis.sock');
  const place = ['--port', '0', '--unixsocket', path, '--dir', folder];
  const child = spawn('redis-server', [...place, '--save', '', '--appendonly', 'yes'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);

  await new Promise<void>((resolve, reject) => {
    let log = '';
    child.stdout.on('data', (chunk) => {
      log += chunk;
      if (/ready to accept connections/i.test(log)) resolve();
    });
    child.once('exit', () => reject(new UsageError(`redis-server does not start: ${log.trim().split('\n').at(-1)}`)));
    child.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? notFound() : error));
  });

  return {
    path,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}

function notFound(): UsageError {
  return new UsageError(
    'no Redis: set REDIS_URL, or install redis-server (apt-get install redis-server, brew install redis)',
  );
}
