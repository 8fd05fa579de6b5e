import type { Body } from '../../src/adapter.js';

/** What a Redis command may carry. */
export type RedisArgument = string | Uint8Array | number;

export function asArgument(body: Body): string | Buffer {
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/**
 * What is used of ioredis, so that its versions 5 and 6 fit, a single server and a Cluster alike, without this package
 * depending on either. Everything is sent by `call`: what the adapter needs of a client is its connection and its
 * routing.
 */
export interface RedisClient {
  readonly isCluster: boolean;
  readonly status: string;
  call(command: string, args: RedisArgument[]): Promise<unknown>;
  callBuffer(command: string, args: RedisArgument[]): Promise<unknown>;
  duplicate(...args: never[]): unknown;
  on(event: string, listener: (error: Error) => void): unknown;
  disconnect(reconnect?: boolean): void;
}

/** A client of one server, or the connection of a Cluster client to one of its nodes. */
export interface RedisNode extends RedisClient {
  readonly options: {
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly db?: number | undefined;
    readonly tls?: unknown;
    readonly keyPrefix?: string | undefined;
  };
  /** Not there before it first connects. */
  readonly stream?:
    | { readonly bytesRead: number; readonly bytesWritten: number; readonly writableLength: number }
    | undefined;
  readonly condition?: { readonly select?: number | undefined } | null | undefined;
  /** The condition of the connection that was lost, until there is the next. */
  readonly prevCondition?: { readonly select?: number | undefined } | null | undefined;
}

/** What a Cluster client has besides. */
export interface RedisClusterClient extends RedisClient {
  readonly options: {
    readonly redisOptions?: { readonly tls?: unknown } | undefined;
    readonly keyPrefix?: string | undefined;
  };
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role?: 'all' | 'master' | 'slave'): RedisNode[];
  refreshSlotsCache?(callback?: () => void): void;
}

export function isCluster(client: RedisClient): client is RedisClusterClient {
  return client.isCluster;
}

/** Where the client's own commands go: `select` may have been called since it was made. */
export function databaseOf(client: RedisClient): number {
  const { prevCondition, condition, options } = client as RedisNode;
  return prevCondition?.select ?? condition?.select ?? options?.db ?? 0;
}

export function keyPrefixOf(client: RedisClient): string {
  return (client as RedisNode | RedisClusterClient).options?.keyPrefix ?? '';
}

/** A server without TLS does not answer what begins it. */
export function usesTls(client: RedisClient): boolean {
  const options = isCluster(client) ? client.options.redisOptions : (client as RedisNode).options;
  return options?.tls !== undefined && options.tls !== null;
}

/**
 * Changes while anything passes the socket, so that a slow transfer is told from silence. What the system still buffers
 * shows nothing.
 */
export function trafficOf(client: RedisClient): number {
  const { stream } = client as RedisNode;
  if (!stream) return 0;
  const { bytesRead, bytesWritten, writableLength } = stream;
  return writableLength > 0 ? bytesRead + bytesWritten - writableLength : bytesRead;
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

/**
 * The same for each node of a Cluster; its connections are made on demand and so have to queue until they are there.
 */
const OWN_CLUSTER = {
  lazyConnect: false,
  enableAutoPipelining: false,
  retryDelayOnFailover: 0,
  scaleReads: 'master',
  clusterRetryStrategy: reconnectDelay,
};

/** How long one attempt to connect may take. */
export function attemptMs(budgetMs: number): number {
  return Math.min(10_000, Math.max(1000, Math.floor(budgetMs / 3)));
}

export function duplicate(client: RedisClient, budgetMs: number): RedisClient {
  const make = client.duplicate as (...args: unknown[]) => unknown;
  const timing = {
    connectTimeout: attemptMs(budgetMs),
    // Of a silent connection no answer to its end is to be expected.
    disconnectTimeout: 100,
    maxLoadingRetryTime: 200,
  };
  const args = isCluster(client)
    ? [[], { ...OWN_CLUSTER, redisOptions: { ...client.options.redisOptions, ...timing } }]
    : [{ ...OWN_CONNECTION, ...timing, db: databaseOf(client) }];
  const own = make.apply(client, args) as RedisClient;
  // Without a listener ioredis writes to the console; what goes wrong is told by the calls that fail.
  own.on('error', () => {});
  return own;
}
