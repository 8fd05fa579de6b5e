import { duplicate, isCluster, type RedisArgument, type RedisClient, whenReady } from './client.js';
import { away, isNoScript, messageOf, toTimelineError } from './redis-errors.js';
import type { Script } from './scripts/script.js';
import { keySlot } from './slot.js';

const PROBE_MS = 50;

/**
 * The connection of one adapter, made like the user's client but without what would send a command twice, and without options that
 * change how commands travel. Opened with the first library, closed with the last.
 */
export class Connections {
  #own: RedisClient | undefined;
  /** What all writes wait for while the connection is away. */
  #returning: Promise<void> | undefined;
  #users = 0;

  constructor(
    readonly client: RedisClient,
    private readonly waitMs: number,
  ) {}

  acquire(): void {
    if (this.#users++ === 0) this.#own = duplicate(this.client);
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#own?.disconnect();
    this.#own = undefined;
  }

  get own(): RedisClient {
    if (!this.#own) throw away('the adapter is closed');
    return this.#own;
  }

  /** A script that only reads; its answer in Buffers. */
  query(script: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.#send('read', keys[0] as string, (own) => evaluate(own, 'callBuffer', script, keys, args));
  }

  /** A command that only reads, its first argument a key. */
  ask(command: string, args: RedisArgument[]): Promise<unknown> {
    return this.#send('read', String(args[0]), (own) => own.call(command, args));
  }

  /** The same, with an answer in Buffers. */
  askBuffers(command: string, args: RedisArgument[]): Promise<unknown> {
    return this.#send('read', String(args[0]), (own) => own.callBuffer(command, args));
  }

  /** A script that changes nothing the second time, so that a lost connection leaves nothing unknown. */
  repeat(script: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.#send('read', keys[0] as string, (own) => evaluate(own, 'call', script, keys, args));
  }

  /** A script that writes; once it has been sent, a lost connection leaves its outcome unknown. */
  change(script: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.#send('write', keys[0] as string, (own) => evaluate(own, 'call', script, keys, args));
  }

  /** A command that writes, its first argument a key. */
  command(command: string, args: RedisArgument[]): Promise<unknown> {
    return this.#send('write', String(args[0]), (own) => own.call(command, args));
  }

  async #send(kind: 'read' | 'write', key: string, send: (own: RedisClient) => Promise<unknown>): Promise<unknown> {
    const { own } = this;
    if (!this.#isReady(own, key)) await this.#becomeReady(own, key);
    try {
      return await send(own);
    } catch (error) {
      throw toTimelineError(error, kind);
    }
  }

  async #becomeReady(own: RedisClient, key: string): Promise<void> {
    try {
      if (isCluster(own)) return await this.#probe(own, key);
      this.#returning ??= whenReady(own, this.waitMs).finally(() => {
        this.#returning = undefined;
      });
      await this.#returning;
    } catch (error) {
      throw away(`Redis could not be reached for ${this.waitMs} ms: ${messageOf(error)}`, error);
    }
  }

  /** Finds the way with a command that harms nothing: connections of a Cluster are made, and redirected, by what is sent over them. */
  async #probe(own: RedisClient, key: string): Promise<void> {
    for (const deadline = performance.now() + this.waitMs; ; ) {
      try {
        await own.call('exists', [key]);
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
    }
  }

  #isReady(own: RedisClient, key: string): boolean {
    if (!isCluster(own)) return own.status === 'ready';
    const node = own.slots[keySlot(key.slice(key.indexOf('{') + 1, key.indexOf('}')))]?.[0];
    return own.nodes('master').some(({ status, options }) => status === 'ready' && `${options.host}:${options.port}` === node);
  }
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
