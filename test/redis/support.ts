import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import type { Timeline } from '../../src/types.js';
import { RedisServer, type RedisServerOptions } from '../support/redis-server.js';
import { type OpenOptions, RedisStore } from '../support/redis-store.js';

/** Starts a server that ends with the test. */
export async function startServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  onTestFinished(() => server.stop());
  return server;
}

/** Opens a library that is closed with the test. */
export async function openOn(server: RedisServer, options: OpenOptions = {}): Promise<RedisStore> {
  const redis = await RedisStore.open(server, options);
  onTestFinished(() => redis.close());
  return redis;
}

/** Collects the messages that a new subscription of a Timeline yields. */
export class Listener {
  readonly messages: string[] = [];
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(timeline: Timeline<string>) {
    this.#running = this.#run(timeline);
    this.#running.catch(() => {});
  }

  /** Rejects with the error that ended the subscription, if one did. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(timeline: Timeline<string>): Promise<void> {
    try {
      for await (const { message } of timeline.subscribe({ signal: this.#abort.signal })) this.messages.push(message);
    } catch (error) {
      if ((error as TimelineError).code !== 'TIMELINE_ABORTED') throw error;
    }
  }
}

/** How often the server ran a command since its start or since CONFIG RESETSTAT, in scripts too. */
export async function callsOf(client: Redis, command: string): Promise<number> {
  const calls = new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await client.info('commandstats'))?.[1];
  return Number(calls ?? 0);
}

/** How often the server has answered with an error code since its start or since CONFIG RESETSTAT. */
export async function errorsOf(client: Redis, code: string): Promise<number> {
  return Number(new RegExp(`errorstat_${code}:count=(\\d+)`).exec(await client.info('errorstats'))?.[1] ?? 0);
}
