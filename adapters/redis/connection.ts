import type { Call } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import {
  databaseOf,
  isCluster,
  keyPrefixOf,
  type RedisArgument,
  type RedisClient,
  type RedisNode,
  usesTls,
} from './client.js';
import { ClusterLink } from './cluster-link.js';
import { Link, type LinkOptions, type Route } from './link.js';
import { Overdue } from './outstanding.js';
import { away, isElsewhere, isNoScript, messageOf, toTimelineError } from './redis-errors.js';
import type { Script } from './scripts/script.js';

/** A part of the budget, so that another attempt fits in once a silent connection was replaced. */
function silenceMs(budgetMs: number): number {
  return Math.min(1000, Math.max(50, budgetMs / 4));
}

/**
 * The connection of one adapter, made like the user's client but without what would send a command twice, and without
 * options that change how commands travel. Opened with the first library, closed with the last.
 */
export class Connections {
  readonly client: RedisClient;
  readonly budgetMs: number;
  readonly #renewed = new Set<() => void>();
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
    this.#route = this.connect(silenceMs(this.budgetMs), () => {
      for (const hear of this.#renewed) hear();
    });
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#route?.close();
    this.#route = undefined;
  }

  /** Another route of the same kind, that the caller closes. */
  connect(silence: number, onReady: () => void): Route {
    const { client, budgetMs } = this;
    const options: LinkOptions = { budgetMs, silenceMs: silence, onReady };
    return isCluster(client) ? new ClusterLink(client, options) : new Link(client, options);
  }

  /** Calls `hear` whenever there is a connection again: what was believed of the server may not hold any more. */
  onRenewed(hear: () => void): () => void {
    this.#renewed.add(hear);
    return () => this.#renewed.delete(hear);
  }

  /** What ioredis puts in front of every key, but not of patterns. */
  get keyPrefix(): string {
    return keyPrefixOf(this.client);
  }

  newCall(): Call {
    return { deadline: performance.now() + this.budgetMs };
  }

  /** A script that only reads; its answer in Buffers. */
  query(script: Script, keys: readonly string[], args: readonly RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('read', keys[0] as string, call, (own) => evaluate(own, 'callBuffer', script, keys, args));
  }

  /** A command that may be sent twice, its first argument a key. */
  ask(command: string, args: RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('read', String(args[0]), call, (own) => own.call(command, args));
  }

  /** The same, with an answer in Buffers. */
  askBuffers(command: string, args: RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('read', String(args[0]), call, (own) => own.callBuffer(command, args));
  }

  /** A command without keys, to the server of a key. */
  askServer(key: string, command: string, args: RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('read', key, call, (own) => serverIn(own).call(command, args));
  }

  /** A script that changes nothing the second time, so that a lost connection leaves nothing unknown. */
  repeat(script: Script, keys: readonly string[], args: readonly RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('read', keys[0] as string, call, (own) => evaluate(own, 'call', script, keys, args));
  }

  /** A script that writes; once it has been sent, a lost connection leaves its outcome unknown. */
  change(script: Script, keys: readonly string[], args: readonly RedisArgument[], call: Call): Promise<unknown> {
    return this.#send('write', keys[0] as string, call, (own) => evaluate(own, 'call', script, keys, args));
  }

  /** A command to every server that takes writes, and that may take its time. */
  askWriters(command: string, args: RedisArgument[], call: Call): Promise<unknown[]> {
    return this.onWriters((own) => own.call(command, args), call);
  }

  async onWriters(run: (own: RedisClient) => Promise<unknown>, call: Call): Promise<unknown[]> {
    try {
      return await this.#open().sendToMasters(call.deadline, run);
    } catch (error) {
      throw toTimelineError(error, 'write');
    }
  }

  /** An error that a script gave as data. */
  heed(error: unknown, key: string): void {
    if (isElsewhere(error)) this.#route?.distrust(key);
  }

  #open(): Route {
    const route = this.#route;
    if (!route) throw away('the adapter is closed');
    if (!this.client.isCluster && databaseOf(this.client) !== this.#database)
      throw otherDatabase(this.client, this.#database);
    return route;
  }

  async #send(
    kind: 'read' | 'write',
    key: string,
    { deadline }: Call,
    run: (own: RedisClient) => Promise<unknown>,
  ): Promise<unknown> {
    const route = this.#open();
    if (!route.isReady(key)) await this.#becomeReady(route, key, deadline);
    const { client } = route;
    try {
      return await route.send({ key, deadline }, run);
    } catch (error) {
      if (isElsewhere(error) && client === route.client) route.distrust(key);
      throw toTimelineError(error, kind);
    }
  }

  async #becomeReady(route: Route, key: string, deadline: number): Promise<void> {
    try {
      await route.becomeReady(key, deadline);
    } catch (error) {
      const cause = route.lastError ?? error;
      const why = cause instanceof Overdue ? `its connection is ${route.client.status}` : messageOf(cause);
      const given =
        this.client.status === 'end' ? '; the client given to redisAdapter has itself given up or was ended' : '';
      const tls =
        usesTls(this.client) && /ETIMEDOUT|connection is/.test(why) ? '; does the server speak TLS on this port?' : '';
      throw away(`Redis could not be reached within ${this.budgetMs} ms: ${why}${tls}${given}`, cause);
    }
  }
}

function serverIn(own: RedisClient): RedisClient {
  if (!isCluster(own)) return own;
  return own.nodes('master').find(({ status }: RedisNode) => status === 'ready') ?? own;
}

function otherDatabase(client: RedisClient, opened: number): TimelineError {
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
    if (!isNoScript(error)) throw error;
    return client[method]('eval', [source, keys.length, ...keys, ...args]);
  }
}
