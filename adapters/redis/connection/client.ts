import type { Body } from '../../../src/adapter.js';

export type RedisArgument = string | Uint8Array | number;

export function asArgument(body: Body): string | Buffer {
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/**
 * The part of an ioredis `Redis` or `Cluster`, version 5 or 6, that the adapter uses. The package depends on neither
 * version.
 */
export interface RedisClient {
  /** True for a `Cluster`, false for a `Redis`. */
  readonly isCluster: boolean;
  /** `'ready'` while commands can be sent. */
  readonly status: string;
  /** Sends any command. */
  call(command: string, args: RedisArgument[]): Promise<unknown>;
  /** The same, with an answer in Buffers. */
  callBuffer(command: string, args: RedisArgument[]): Promise<unknown>;
  /** Makes a client with the same options. */
  duplicate(...args: never[]): unknown;
  /** Adds a listener for `ready` or `error`. */
  on(event: string, listener: (error: Error) => void): unknown;
  /** Adds a listener for messages of channels. */
  on(event: 'message', listener: (channel: string, payload: string) => void): unknown;
  /** Closes the connection at once. Commands without an answer fail. */
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
  /** Absent before the first connection. */
  readonly stream?:
    | { readonly bytesRead: number; readonly bytesWritten: number; readonly writableLength: number }
    | undefined;
  readonly condition?: { readonly select?: number | undefined } | null | undefined;
  /** The condition of the lost connection, until there is another. */
  readonly prevCondition?: { readonly select?: number | undefined } | null | undefined;
}

export interface RedisClusterClient extends RedisClient {
  readonly options: {
    readonly redisOptions?: { readonly tls?: unknown } | undefined;
    readonly keyPrefix?: string | undefined;
  };
  /** For each slot the names of its nodes, the master first. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role?: 'all' | 'master' | 'slave'): RedisNode[];
  refreshSlotsCache?(callback?: () => void): void;
}

export function isCluster(client: RedisClient): client is RedisClusterClient {
  return client.isCluster;
}

/** The database that the client's own commands go to: `select` may have been called since it was made. */
export function databaseOf(client: RedisClient): number {
  const { prevCondition, condition, options } = client as RedisNode;
  return prevCondition?.select ?? condition?.select ?? options?.db ?? 0;
}

export function keyPrefixOf(client: RedisClient): string {
  return (client as RedisNode | RedisClusterClient).options?.keyPrefix ?? '';
}

export function usesTls(client: RedisClient): boolean {
  const options = isCluster(client) ? client.options.redisOptions : (client as RedisNode).options;
  return options?.tls !== undefined && options.tls !== null;
}

/**
 * Changes while anything passes the socket, so that a slow transfer is told from silence. Bytes in the buffers of the
 * operating system do not show.
 */
export function trafficOf(client: RedisClient): number {
  const { stream } = client as RedisNode;
  if (!stream) return 0;
  const { bytesRead, bytesWritten, writableLength } = stream;
  return writableLength > 0 ? bytesRead + bytesWritten - writableLength : bytesRead;
}

const reconnectDelay = (attempt: number) => Math.min(attempt * 50, 1000);

/**
 * Neither queues commands while there is no connection nor sends one again: the defaults of ioredis would write an
 * append twice when the answer to the first was lost.
 */
const SERVER_OPTIONS = {
  lazyConnect: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: false,
  retryStrategy: reconnectDelay,
};

/** The connections to the nodes of a Cluster are made on demand, so they have to queue until they are there. */
const CLUSTER_OPTIONS = {
  lazyConnect: false,
  enableAutoPipelining: false,
  retryDelayOnFailover: 0,
  scaleReads: 'master',
  clusterRetryStrategy: reconnectDelay,
};

/** Milliseconds that one attempt to connect may take. */
export function connectTimeoutMs(budgetMs: number): number {
  return Math.min(10_000, Math.max(1000, Math.floor(budgetMs / 3)));
}

/** Makes a client like the user's, but without the options that change how commands travel. */
export function duplicate(client: RedisClient, budgetMs: number): RedisClient {
  const make = client.duplicate as (...args: unknown[]) => unknown;
  const timing = {
    connectTimeout: connectTimeoutMs(budgetMs),
    // A silent connection will not confirm its end either.
    disconnectTimeout: 100,
    maxLoadingRetryTime: 200,
  };
  const args = isCluster(client)
    ? [[], { ...CLUSTER_OPTIONS, redisOptions: { ...client.options.redisOptions, ...timing } }]
    : [{ ...SERVER_OPTIONS, ...timing, db: databaseOf(client) }];
  const own = make.apply(client, args) as RedisClient;
  // Without a listener ioredis writes errors to the console; the calls that fail report them.
  own.on('error', () => {});
  return own;
}
