import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

/** How a server keeps its data when it ends. */
export type Persistence = 'none' | 'aof' | 'aof-always' | 'rdb';

const PERSISTENCE: Record<Persistence, readonly string[]> = {
  none: ['--save', '', '--appendonly', 'no'],
  aof: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'],
  'aof-always': ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
  rdb: ['--save', '3600 1', '--appendonly', 'no'],
};

export const MISSING_REDIS = 'tests on Redis need redis-server 7 or later on PATH: apt-get install redis-server';

/** True if redis-server is installed. On CI it must be; elsewhere the global setup says once that tests are skipped. */
export function hasRedis(): boolean {
  const found = spawnSync('redis-server', ['--version']).status === 0;
  if (!found && process.env.CI === 'true') throw new Error(MISSING_REDIS);
  return found;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface RedisServerOptions {
  readonly persistence?: Persistence;
  readonly args?: readonly string[];
  /** Where it talks to other nodes of its Cluster. */
  readonly busPort?: number;
  /** The first content of its configuration file, into which a Sentinel writes what it learns. */
  readonly config?: string;
}

/** A redis-server of its own on loopback, with a directory that lasts over restarts and goes when it is stopped. */
export class RedisServer {
  readonly dir = mkdtempSync(join(tmpdir(), 'timeline-redis-'));
  readonly port: number;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(
    port: number,
    args: readonly string[],
    readonly busPort: number,
  ) {
    this.port = port;
    this.#args = args;
  }

  get #config(): string {
    return join(this.dir, 'server.conf');
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  static async start({
    persistence = 'none',
    args = [],
    busPort = 0,
    config,
  }: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), [...PERSISTENCE[persistence], ...args], busPort);
    if (config !== undefined) writeFileSync(server.#config, config);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir];
    const config = existsSync(this.#config) ? [this.#config] : [];
    const child = spawn('redis-server', [...config, ...place, ...this.#args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    let log = '';
    child.stdout?.on('data', (chunk) => {
      log += chunk;
    });
    await until('redis-server answers', () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${log}`);
      return answersPing(this.port);
    });
  }

  /** SIGTERM ends it in order and saves what it is set to save; SIGKILL does not. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * Below the ports that systems give to outgoing connections: one of those may take the port between this check and the
 * server's start.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 22_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/** False while it is not there, and while it loads its data. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('error', () => end(false));
  });
}
