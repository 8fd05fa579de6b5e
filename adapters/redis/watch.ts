import { duplicate, isCluster, type RedisClient, whenReady } from './client.js';
import type { Connections } from './connection.js';
import type { Keyspace } from './keys.js';

/** A blocking read ends after this long, so that a connection that died silently is noticed. */
const BLOCK_MS = 2000;
const RETRY_MS = 100;
/** A Cluster is asked for so many Timelines per millisecond at most. */
const LOOKS_PER_MS = 10;

interface Watched {
  readonly meta: string;
  readonly wakes: Set<() => void>;
  /** The last SeqId known, as text; undefined until the first look. */
  last: string | undefined;
}

/**
 * Wakes those who wait on Timelines of one adapter, all of them by one connection: on a single server it waits in XREAD BLOCK over
 * their streams, and is called back by CLIENT UNBLOCK when others begin to wait; in a Cluster, where no command may name several
 * slots, it looks at their states again and again. The states
 * are compared before a wait that names others than the one before, and again after a while, for streams that were lost.
 */
export class Watchers {
  readonly #watched = new Map<string, Watched>();
  #connection: RedisClient | undefined;
  #running: Promise<void> | undefined;
  #id = 0;
  #isBlocked = false;
  #isUnblocking = false;
  #comparedAt = 0;
  #changed = false;

  constructor(
    private readonly connections: Connections,
    private readonly wakeMs: number,
  ) {}

  add(keys: Keyspace, timeline: string, wake: () => void): () => void {
    const stream = keys.stream(timeline);
    const watched = this.#watched.get(stream) ?? { meta: keys.meta(timeline), wakes: new Set(), last: undefined };
    const own = () => wake();
    watched.wakes.add(own);
    watched.last = undefined;
    this.#watched.set(stream, watched);
    this.#change();
    return () => {
      watched.wakes.delete(own);
      if (watched.wakes.size > 0 || this.#watched.get(stream) !== watched) return;
      this.#watched.delete(stream);
      this.#change();
    };
  }

  async close(): Promise<void> {
    this.#watched.clear();
    this.#connection?.disconnect();
    await this.#running;
  }

  #change(): void {
    this.#changed = true;
    this.#running ??= this.#run();
    if (this.#isBlocked && !this.#isUnblocking) void this.#unblock();
  }

  /** Asked on another connection, the server may not have seen yet that there is a wait to end. */
  async #unblock(): Promise<void> {
    this.#isUnblocking = true;
    try {
      while (this.#isBlocked && this.#changed) await this.connections.own.call('client', ['unblock', this.#id]);
    } catch {
      // Where the user may not unblock, the wait ends by itself.
    } finally {
      this.#isUnblocking = false;
    }
  }

  async #run(): Promise<void> {
    // What is added within one turn is waited for together.
    await new Promise((resolve) => setImmediate(resolve));
    const { client } = this.connections;
    while (this.#watched.size > 0) {
      try {
        if (isCluster(client)) await this.#lookAround();
        else await this.#block(client);
      } catch {
        // Another connection has another id, and may be to a server with other data.
        this.#changed = true;
        await pause(RETRY_MS);
      }
    }
    this.#connection?.disconnect();
    this.#connection = undefined;
    this.#running = undefined;
  }

  async #lookAround(): Promise<void> {
    await this.#compare((metas) => Promise.all(metas.map((meta) => this.connections.ask('get', [meta]))));
    await pause(Math.max(this.wakeMs, this.#watched.size / LOOKS_PER_MS));
  }

  async #block(client: RedisClient): Promise<void> {
    this.#connection ??= duplicate(client);
    const connection = this.#connection;
    await whenReady(connection, BLOCK_MS);
    // A wait that ended with news goes on from there at once: reading them is what the server should do first.
    if (this.#changed || performance.now() - this.#comparedAt >= BLOCK_MS) {
      this.#changed = false;
      await this.#compare((metas) => connection.call('mget', metas) as Promise<unknown[]>);
      this.#id = Number(await connection.call('client', ['id']));
      this.#comparedAt = performance.now();
      if (this.#changed || this.#watched.size === 0) return;
    }
    const streams = [...this.#watched.keys()];
    const positions = streams.map((stream) => `0-${this.#watched.get(stream)?.last}`);
    const answer = connection.call('xread', ['COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams, ...positions]);
    this.#isBlocked = true;
    try {
      this.#wakeWoken(await answer);
    } finally {
      this.#isBlocked = false;
    }
  }

  /** Who is named in the answer hears at once. A client may be set up to name them otherwise: then their states are compared. */
  #wakeWoken(answer: unknown): void {
    if (answer === null) return;
    const named = Array.isArray(answer) ? (answer as [string, [[string]]][]) : [];
    const known = named.flatMap(([stream, [[id]]]) => {
      const watched = this.#watched.get(stream);
      return watched ? [{ watched, last: id.slice(2) }] : [];
    });
    for (const { watched, last } of known) {
      watched.last = last;
      for (const wake of [...watched.wakes]) wake();
    }
    if (named.length === 0 || known.length < named.length) this.#changed = true;
  }

  /** Wakes who waits on a Timeline that moved, or that is looked at for the first time and may have moved before. */
  async #compare(fetch: (metas: string[]) => Promise<unknown[]>): Promise<void> {
    const all = [...this.#watched.values()];
    if (all.length === 0) return;
    const states = await fetch(all.map(({ meta }) => meta));
    all.forEach((watched, i) => {
      const state = states[i];
      const last = typeof state === 'string' ? state.slice(0, state.indexOf(' ')) : '0';
      if (watched.last === last) return;
      watched.last = last;
      for (const wake of [...watched.wakes]) wake();
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
