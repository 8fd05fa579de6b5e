import type { TimelineAdapter } from '../../src/adapter.js';
import { invalidArgument } from '../../src/errors.js';
import type { RedisClient } from './client.js';
import { Connections } from './connection.js';
import { checkServer, inspect } from './inspect.js';
import { Keyspace } from './keys.js';
import { openLibrary } from './library.js';
import { type RedisAdapterOptions, resolveSettings } from './options.js';
import { toTimelineError } from './redis-errors.js';
import { Standing } from './standing.js';
import { Watchers } from './watch.js';

export type { RedisClient } from './client.js';
export type { RedisAdapterOptions } from './options.js';

/**
 * Timelines in Redis 7 or later, as one stream each with its state beside it: on a single server, behind Sentinel, or
 * in a Cluster.
 *
 * The client is an ioredis `Redis` or `Cluster` and stays yours. The adapter makes a connection of its own like it,
 * because ioredis by default sends again what may have been applied, and one that waits for news while there are
 * subscriptions. Both it closes with its last library.
 */
export function redisAdapter(client: RedisClient, options: RedisAdapterOptions = {}): TimelineAdapter {
  if (typeof client?.call !== 'function' || typeof client.duplicate !== 'function') {
    throw invalidArgument('client', 'must be a Redis or Cluster of ioredis');
  }
  const settings = resolveSettings(options);
  const connections = new Connections(client, settings.waitMs);
  const watchers = new Watchers(connections, settings.wakeMs);
  return {
    name: 'redis',
    budgetMs: settings.waitMs,
    async open(options) {
      connections.acquire();
      try {
        const call = connections.newCall();
        const keys = new Keyspace(settings.prefix, options.name, client.isCluster);
        const key = keys.settings();
        await checkServer(connections, key, call);
        const standing = await Standing.open(connections, keys, options, settings, call);
        const counts = await Promise.all(
          keys.registries().map((registry) => connections.ask('zcard', [registry], call)),
        );
        const listed = counts.reduce<number>((sum, count) => sum + Number(count), 0);
        const durability = await inspect(connections, key, listed, options.warn, call);
        return openLibrary({ connections, watchers, standing, options, settings, durability, listed });
      } catch (error) {
        connections.release();
        throw toTimelineError(error, 'read');
      }
    },
  };
}
