import type { Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { isMissingScript, isWrongServer, messageOf, toTimelineError, unreachable } from '../errors.js';
import type { Script } from '../scripts.generated.js';
import {
  databaseOf,
  isCluster,
  keyPrefixOf,
  type RedisArgument,
  type RedisClient,
  type RedisNode,
  usesTls,
} from './client.js';
import { ClusterRoute } from './cluster-route.js';
import { slotOfKey } from './hash-slot.js';
import { DeadlineExceeded } from './pending-commands.js';
import { type Route, type RouteOptions, ServerRoute } from './server-route.js';

interface AnswerOptions {
  /** The answer in Buffers instead of strings. */
  readonly buffers?: boolean;
}

interface WriteOptions {
  /** The second time changes nothing, so a lost connection leaves no outcome unknown. */
  readonly idempotent?: boolean;
}

/** Leaves time in the budget for another attempt after a silent connection was replaced. */
function silenceMsFor(budgetMs: number): number {
  return Math.min(1000, Math.max(50, budgetMs / 4));
}

/**
 * Sends the commands and scripts of one adapter over connections of its own. The first key of a command decides the
 * node of a Cluster. Opened with the first library, closed with the last.
 */
export class Connections {
  readonly client: RedisClient;
  readonly budgetMs: number;
  readonly #onConnected = new Set<() => void>();
  #route: Route | undefined;
  #database = 0;
  #users = 0;

  constructor(client: RedisClient, budgetMs: number) {
    this.client = client;
    this.budgetMs = budgetMs;
  }

  acquire(): void {
    if (this.#users++ > 0) return;
    this.#database = databaseOf(this.client);
    this.#route = this.openRoute(silenceMsFor(this.budgetMs), () => {
      for (const listener of this.#onConnected) listener();
    });
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#route?.close();
    this.#route = undefined;
  }

  /** Opens another route of the same kind, which the caller closes. */
  openRoute(silenceMs: number, onReady: () => void): Route {
    const { client, budgetMs } = this;
    const options: RouteOptions = { budgetMs, silenceMs, onReady };
    return isCluster(client) ? new ClusterRoute(client, options) : new ServerRoute(client, options);
  }

  /** Opens a connection to the server, in a Cluster to any master, which the caller closes. */
  openServerRoute(silenceMs: number, onReady: () => void): Route {
    const { client, budgetMs } = this;
    const origin = isCluster(client) ? anyMaster(this.#openRoute().client) : client;
    return new ServerRoute(origin, { budgetMs, silenceMs, onReady });
  }

  /**
   * Calls `listener` whenever there is a connection again: the server may have other data. Returns the function that
   * ends this.
   */
  onConnected(listener: () => void): () => void {
    this.#onConnected.add(listener);
    return () => this.#onConnected.delete(listener);
  }

  /** The database of the server in which the libraries were opened. */
  get database(): number {
    return this.#database;
  }

  /** ioredis puts this in front of every key, but not of patterns and channels. */
  get keyPrefix(): string {
    return keyPrefixOf(this.client);
  }

  newCall(): Call {
    return { deadline: performance.now() + this.budgetMs };
  }

  /** A lost connection fails them with `TIMELINE_UNAVAILABLE`, retryable. */
  readonly read = {
    /** The first argument is a key. */
    command: (command: string, args: RedisArgument[], call: Call, options?: AnswerOptions): Promise<unknown> =>
      this.#send('read', String(args[0]), call, (client) => client[methodFor(options)](command, args)),

    script: (
      script: Script,
      keys: readonly string[],
      args: readonly RedisArgument[],
      call: Call,
      options?: AnswerOptions,
    ): Promise<unknown> =>
      this.#send('read', keys[0] as string, call, (client) => evaluate(client, methodFor(options), script, keys, args)),

    /** A command without keys, to the server of a key. */
    fromServerOf: (key: string, command: string, args: RedisArgument[], call: Call): Promise<unknown> =>
      this.#send('read', key, call, (client) => nodeOf(client).call(command, args)),
  };

  /** A connection lost after sending leaves the outcome unknown, unless the write is idempotent. */
  readonly write = {
    /** The first argument is a key. */
    command: (command: string, args: RedisArgument[], call: Call, options?: WriteOptions): Promise<unknown> =>
      this.#send(kindOf(options), String(args[0]), call, (client) => client.call(command, args)),

    /** A command without keys, to the server of a key. */
    toServerOf: (key: string, command: string, args: RedisArgument[], call: Call): Promise<unknown> =>
      this.#send('write', key, call, (client) => masterOf(key, client).call(command, args)),

    script: (
      script: Script,
      keys: readonly string[],
      args: readonly RedisArgument[],
      call: Call,
      options?: WriteOptions,
    ): Promise<unknown> =>
      this.#send(kindOf(options), keys[0] as string, call, (client) => evaluate(client, 'call', script, keys, args)),
  };

  /** Runs slow commands on every master. */
  async onMasters(run: (client: RedisClient) => Promise<unknown>, call: Call): Promise<unknown[]> {
    try {
      return await this.#openRoute().sendToMasters(call.deadline, run);
    } catch (error) {
      throw toTimelineError(error, 'write');
    }
  }

  /** For an error that a script answered as data. */
  reconnectIfMoved(error: unknown, key: string): void {
    if (isWrongServer(error)) this.#route?.reconnect(key);
  }

  #openRoute(): Route {
    const route = this.#route;
    if (!route) throw unreachable('the adapter is closed');
    if (!this.client.isCluster && databaseOf(this.client) !== this.#database)
      throw databaseChanged(this.client, this.#database);
    return route;
  }

  async #send(
    kind: 'read' | 'write',
    key: string,
    { deadline }: Call,
    run: (client: RedisClient) => Promise<unknown>,
  ): Promise<unknown> {
    const route = this.#openRoute();
    if (!route.isReady(key)) await this.#becomeReady(route, key, deadline);
    const { client } = route;
    try {
      return await route.send({ key, deadline }, run);
    } catch (error) {
      if (isWrongServer(error) && client === route.client) route.reconnect(key);
      throw toTimelineError(error, kind);
    }
  }

  async #becomeReady(route: Route, key: string, deadline: number): Promise<void> {
    try {
      await route.becomeReady(key, deadline);
    } catch (error) {
      const cause = route.lastError ?? error;
      const reason = cause instanceof DeadlineExceeded ? `its connection is ${route.client.status}` : messageOf(cause);
      const ended =
        this.client.status === 'end' ? '; the client given to redisAdapter has itself given up or was ended' : '';
      const tls =
        usesTls(this.client) && /ETIMEDOUT|connection is/.test(reason)
          ? '; does the server speak TLS on this port?'
          : '';
      throw unreachable(`Redis could not be reached within ${this.budgetMs} ms: ${reason}${tls}${ended}`, cause);
    }
  }
}

function methodFor(options: AnswerOptions | undefined): 'call' | 'callBuffer' {
  return options?.buffers ? 'callBuffer' : 'call';
}

function kindOf(options: WriteOptions | undefined): 'read' | 'write' {
  return options?.idempotent ? 'read' : 'write';
}

/** Of a Cluster any master, since a command without keys has none. */
function nodeOf(client: RedisClient): RedisClient {
  if (!isCluster(client)) return client;
  return client.nodes('master').find(({ status }: RedisNode) => status === 'ready') ?? client;
}

/** A Cluster client itself if it does not know the master. */
function masterOf(key: string, client: RedisClient): RedisClient {
  if (!isCluster(client)) return client;
  const name = client.slots[slotOfKey(key)]?.[0];
  const master = client.nodes('all').find(({ options }) => `${options.host}:${options.port}` === name);
  return master ?? client;
}

function anyMaster(client: RedisClient): RedisClient {
  const masters = isCluster(client) ? client.nodes('master') : [];
  const ready = masters.filter(({ status }) => status === 'ready');
  const among = ready.length > 0 ? ready : masters;
  const chosen = among[Math.floor(Math.random() * among.length)];
  if (!chosen) throw unreachable('no node of the Cluster is known');
  return chosen;
}

function databaseChanged(client: RedisClient, opened: number): TimelineError {
  const message =
    `select() has moved the client to database ${databaseOf(client)}, but its libraries were opened in ${opened}: ` +
    'give the adapter a client of its own, or close the libraries and open them again';
  return new TimelineError('TIMELINE_UNAVAILABLE', message);
}

async function evaluate(
  client: RedisClient,
  method: 'call' | 'callBuffer',
  { sha, source }: Script,
  keys: readonly string[],
  args: readonly RedisArgument[],
): Promise<unknown> {
  try {
    return await client[method]('evalsha', [sha, keys.length, ...keys, ...args]);
  } catch (error) {
    if (!isMissingScript(error)) throw error;
    return client[method]('eval', [source, keys.length, ...keys, ...args]);
  }
}
