import type { RedisArgument } from './client.js';
import type { Connections } from './connection.js';
import type { Keyspace } from './keys.js';
import type { Route } from './link.js';

/** A blocking read ends after this long. */
const BLOCK_MS = 2000;
/** An answer to it that comes no later than this much after is not late yet. */
const GRACE_MS = 1000;
/** How long a look at states may take in a Cluster, lest one node that is away holds up the news of others. */
const LOOK_MS = 1000;
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
 * Wakes those who wait on Timelines of one adapter, all of them by one connection: on a single server it waits in XREAD
 * BLOCK over their streams, and is called back by CLIENT UNBLOCK when others begin to wait; in a Cluster, where no
 * command may name several slots, it looks at their states again and again. The states are compared before a wait that
 * names others than the one before, and again after a while, for streams that were lost. Whenever there is a connection
 * again, everybody is woken.
 */
export class Watchers {
  readonly #connections: Connections;
  readonly #wakeMs: number;
  readonly #watched = new Map<string, Watched>();
  #route: Route | undefined;
  #running: Promise<void> | undefined;
  #stopHearing: (() => void) | undefined;
  #id = 0;
  #isBlocked = false;
  #isUnblocking = false;
  #comparedAt = 0;
  #changed = false;

  constructor(connections: Connections, wakeMs: number) {
    this.#connections = connections;
    this.#wakeMs = wakeMs;
  }

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

  #change(): void {
    this.#changed = true;
    this.#running ??= this.#run();
    this.#stopHearing ??= this.#connections.onRenewed(() => this.#wakeAll());
    if (this.#isBlocked && !this.#isUnblocking) void this.#unblock();
  }

  #wakeAll(): void {
    // Another connection has another id, and may be to a server with other data.
    this.#changed = true;
    for (const { wakes } of this.#watched.values()) for (const wake of [...wakes]) wake();
  }

  /** Asked on another connection, the server may not have seen yet that there is a wait to end. */
  async #unblock(): Promise<void> {
    this.#isUnblocking = true;
    try {
      while (this.#isBlocked && this.#changed) {
        await this.#connections.askServer('', 'client', ['unblock', this.#id], this.#connections.newCall());
      }
    } catch {
      // Where the user may not unblock, the wait ends by itself.
    } finally {
      this.#isUnblocking = false;
    }
  }

  async #run(): Promise<void> {
    // What is added within one turn is waited for together.
    await new Promise((resolve) => setImmediate(resolve));
    const isSingle = !this.#connections.client.isCluster;
    while (this.#watched.size > 0) {
      try {
        if (isSingle) await this.#block();
        else await this.#lookAround();
      } catch {
        this.#changed = true;
        await pause(RETRY_MS);
      }
    }
    this.#route?.close();
    this.#route = undefined;
    this.#stopHearing?.();
    this.#stopHearing = undefined;
    this.#running = undefined;
  }

  async #lookAround(): Promise<void> {
    const call = { deadline: performance.now() + Math.min(LOOK_MS, this.#connections.budgetMs) };
    const ask = (meta: string) => this.#connections.ask('get', [meta], call).catch(() => undefined);
    await this.#compare((metas) => Promise.all(metas.map(ask)));
    await pause(Math.max(this.#wakeMs, this.#watched.size / LOOKS_PER_MS));
  }

  /** Ends only with an answer or with its connection, which is replaced when that is due in vain. */
  async #ask(command: string, args: RedisArgument[]): Promise<unknown> {
    this.#route ??= this.#connections.connect(BLOCK_MS + GRACE_MS, () => this.#wakeAll());
    const route = this.#route;
    const deadline = Number.POSITIVE_INFINITY;
    if (!route.isReady('')) await route.becomeReady('', deadline);
    return route.send({ key: '', deadline }, (own) => own.call(command, args));
  }

  async #block(): Promise<void> {
    // A wait that ended with news goes on from there at once: reading them is what the server should do first.
    if (this.#changed || performance.now() - this.#comparedAt >= BLOCK_MS) {
      this.#changed = false;
      await this.#compare((metas) => this.#ask('mget', metas) as Promise<unknown[]>);
      this.#id = Number(await this.#ask('client', ['id']));
      this.#comparedAt = performance.now();
      if (this.#changed || this.#watched.size === 0) return;
    }
    const streams = [...this.#watched.keys()];
    const positions = streams.map((stream) => `0-${this.#watched.get(stream)?.last ?? 0}`);
    const answer = this.#ask('xread', ['COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams, ...positions]);
    this.#isBlocked = true;
    try {
      this.#wakeWoken(await answer);
    } finally {
      this.#isBlocked = false;
    }
  }

  /**
   * Who is named in the answer hears at once. A client may be set up to name them otherwise: then their states are
   * compared.
   */
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

  /**
   * A state that was not found out is undefined. Wakes who waits on a Timeline that moved, or that is looked at for the
   * first time and may have moved before.
   */
  async #compare(fetch: (metas: string[]) => Promise<unknown[]>): Promise<void> {
    const all = [...this.#watched.values()];
    if (all.length === 0) return;
    const states = await fetch(all.map(({ meta }) => meta));
    all.forEach((watched, i) => {
      const state = states[i];
      if (state === undefined) return;
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
