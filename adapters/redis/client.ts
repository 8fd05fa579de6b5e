import type { Body } from '../../src/adapter.js';

/** What a Redis command may carry. */
export type RedisArgument = string | Uint8Array | number;

export function asArgument(body: Body): string | Buffer {
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/**
 * What is used of ioredis, so that its versions 5 and 6 fit, a single server and a Cluster alike, without this package
 * depending on either. Everything is sent by `call`: what the adapter needs of a client is its connection and its routing.
 */
export interface RedisClient {
  readonly isCluster: boolean;
  readonly status: string;
  call(command: string, args: RedisArgument[]): Promise<unknown>;
  callBuffer(command: string, args: RedisArgument[]): Promise<unknown>;
  duplicate(...args: never[]): unknown;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  disconnect(): void;
}

/** What a Cluster client has besides. */
export interface RedisClusterClient extends RedisClient {
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role?: 'all' | 'master' | 'slave'): RedisNode[];
}

/** The connection of a Cluster client to one of its nodes. */
export interface RedisNode extends RedisClient {
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined };
}

/** Rejects when the connection is lost or `ms` have passed. */
export function whenReady(connection: RedisClient, ms: number): Promise<void> {
  if (connection.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => () => {
      clearTimeout(timer);
      connection.off('ready', ready);
      connection.off('end', ended);
      settle();
    };
    const fail = (why: string) => end(() => reject(new Error(why)));
    const ready = end(resolve);
    const ended = fail('the connection was closed');
    const timer = setTimeout(fail(`no connection within ${ms} ms; its state is ${connection.status}`), ms);
    connection.on('ready', ready);
    connection.on('end', ended);
  });
}

export function isCluster(client: RedisClient): client is RedisClusterClient {
  return client.isCluster;
}

const reconnectDelay = (attempt: number) => Math.min(attempt * 50, 1000);

/**
 * A connection of our own. It neither queues while it is away nor sends anything again: what ioredis does by default
 * would write an append twice when the answer to the first was lost.
 */
const OWN_CONNECTION = {
  lazyConnect: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: false,
  retryStrategy: reconnectDelay,
};

/** The same for each node of a Cluster; its connections are made on demand and so have to queue until they are there. */
const OWN_CLUSTER = {
  lazyConnect: false,
  enableAutoPipelining: false,
  retryDelayOnFailover: 0,
  scaleReads: 'master',
  clusterRetryStrategy: reconnectDelay,
};

export function duplicate<Client extends RedisClient>(client: Client): Client {
  const make = client.duplicate as (...args: unknown[]) => unknown;
  const own = make.apply(client, client.isCluster ? [[], OWN_CLUSTER] : [OWN_CONNECTION]) as Client;
  // Without a listener ioredis writes to the console; what goes wrong is told by the calls that fail.
  own.on('error', () => {});
  return own;
}
