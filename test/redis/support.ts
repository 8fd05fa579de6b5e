import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { type RedisAdapterOptions, type RedisClient, redisAdapter } from '../../adapters/redis/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
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

export interface Ended {
  readonly ms: number;
  /** Undefined if the call succeeded. */
  readonly error: TimelineError | undefined;
}

/** Runs a call until it ends, well or not. */
export async function ended(run: () => Promise<unknown>): Promise<Ended> {
  const start = performance.now();
  const error = await run().then(
    () => undefined,
    (reason: TimelineError) => reason,
  );
  return { ms: performance.now() - start, error };
}

/** Adapters on one client, each on keys of its own. */
export class PrefixedAdapters {
  readonly #prefixes = new WeakMap<TimelineAdapter, string>();
  readonly #client: () => RedisClient;
  readonly #options: RedisAdapterOptions;

  /** `client`: called for each adapter, since tests connect later than they are defined. */
  constructor(client: () => RedisClient, options: RedisAdapterOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  create(prefix = `${randomUUID()}:`): TimelineAdapter {
    const adapter = redisAdapter(this.#client(), { ...this.#options, prefix });
    this.#prefixes.set(adapter, prefix);
    return adapter;
  }

  /** Another adapter on the same keys. */
  reopen(adapter: TimelineAdapter): TimelineAdapter {
    return this.create(this.prefixOf(adapter));
  }

  prefixOf(adapter: TimelineAdapter): string {
    return this.#prefixes.get(adapter) as string;
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
