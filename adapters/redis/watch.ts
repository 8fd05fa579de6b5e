import { pause, WatchHub } from '../../src/toolkit/index.js';
import type { RedisArgument } from './connection/client.js';
import type { Connections } from './connection/connections.js';
import type { Route } from './connection/server-route.js';
import type { Keyspace } from './keys.js';
import { lastIn } from './timeline-state.js';

/** Milliseconds after which a blocking read ends. */
const BLOCK_MS = 2000;
/** Milliseconds that its answer may be late before the connection counts as silent. */
const BLOCK_GRACE_MS = 1000;
/** The budget of a poll in a Cluster, lest one node that is away holds up the others. */
const POLL_BUDGET_MS = 1000;
const RETRY_MS = 100;
/** The most Timelines per millisecond for which a Cluster is polled. */
const POLLS_PER_MS = 10;

interface WatchedTimeline {
  readonly stateKey: string;
  /** The last known SeqId, as text; undefined before the first comparison. */
  last: string | undefined;
}

/**
 * Wakes those who wait on Timelines of one adapter, all of them by one connection.
 *
 * On a single server it waits in XREAD BLOCK on their streams; when Timelines are added, CLIENT UNBLOCK ends the wait.
 * In a Cluster, where no command may name several slots, it polls their states. The states are compared before a wait
 * that names other Timelines than the last one, and every {@link BLOCK_MS}, for streams that were lost. Whenever there
 * is a connection again, everybody is woken.
 */
export class Watchers {
  readonly #connections: Connections;
  readonly #wakeMs: number;
  /** By the key of the stream, as the Timelines are too. */
  readonly #hub = new WatchHub({
    onUnwatched: (streamKey) => {
      this.#watched.delete(streamKey);
      this.#changed();
    },
  });
  readonly #watched = new Map<string, WatchedTimeline>();
  #route: Route | undefined;
  #running: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;
  #connectionId = 0;
  #isBlocked = false;
  #isUnblocking = false;
  #comparedAt = 0;
  /** The states have to be compared before the next wait. */
  #mustCompare = false;

  constructor(connections: Connections, wakeMs: number) {
    this.#connections = connections;
    this.#wakeMs = wakeMs;
  }

  /** Returns the function that ends the watch. */
  add(keys: Keyspace, timeline: string, wake: () => void): () => void {
    const { streamKey, stateKey } = keys.of(timeline);
    const stop = this.#hub.watch(streamKey, wake);
    // The Timeline may have moved before this watch began.
    this.#watched.set(streamKey, { stateKey, last: undefined });
    this.#changed();
    return stop;
  }

  #changed(): void {
    this.#mustCompare = true;
    this.#running ??= this.#run();
    this.#stopListening ??= this.#connections.onConnected(() => this.#wakeAll());
    if (this.#isBlocked && !this.#isUnblocking) void this.#unblock();
  }

  #wakeAll(): void {
    // Another connection has another id, and may be to a server with other data.
    this.#mustCompare = true;
    this.#hub.wakeAll();
  }

  /** Asks again and again: the server may not have seen the wait yet, which came over another connection. */
  async #unblock(): Promise<void> {
    this.#isUnblocking = true;
    try {
      while (this.#isBlocked && this.#mustCompare) {
        const call = this.#connections.newCall();
        await this.#connections.read.fromServerOf('', 'client', ['unblock', this.#connectionId], call);
      }
    } catch {
      // Where the user may not unblock, the wait ends by itself.
    } finally {
      this.#isUnblocking = false;
    }
  }

  async #run(): Promise<void> {
    // Timelines added within one turn are waited for together.
    await new Promise((resolve) => setImmediate(resolve));
    const { isCluster } = this.#connections.client;
    while (this.#watched.size > 0) {
      try {
        if (isCluster) await this.#poll();
        else await this.#block();
      } catch {
        this.#mustCompare = true;
        await pause(RETRY_MS, { keepsAlive: false });
      }
    }
    this.#route?.close();
    this.#route = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#running = undefined;
  }

  async #poll(): Promise<void> {
    const { read, budgetMs } = this.#connections;
    const call = { deadline: performance.now() + Math.min(POLL_BUDGET_MS, budgetMs) };
    const readState = (stateKey: string) => read.command('get', [stateKey], call).catch(() => undefined);
    await this.#compareStates((stateKeys) => Promise.all(stateKeys.map(readState)));
    await pause(Math.max(this.#wakeMs, this.#watched.size / POLLS_PER_MS), { keepsAlive: false });
  }

  /** Ends only with an answer or with its connection, which is replaced if an answer is due. */
  async #send(command: string, args: RedisArgument[]): Promise<unknown> {
    this.#route ??= this.#connections.openRoute(BLOCK_MS + BLOCK_GRACE_MS, () => this.#wakeAll());
    const route = this.#route;
    const deadline = Number.POSITIVE_INFINITY;
    if (!route.isReady('')) await route.becomeReady('', deadline);
    return route.send({ key: '', deadline }, (client) => client.call(command, args));
  }

  async #block(): Promise<void> {
    // After news, the next wait follows at once: the server should first serve those who read them.
    if (this.#mustCompare || performance.now() - this.#comparedAt >= BLOCK_MS) {
      this.#mustCompare = false;
      await this.#compareStates((stateKeys) => this.#send('mget', stateKeys) as Promise<unknown[]>);
      this.#connectionId = Number(await this.#send('client', ['id']));
      this.#comparedAt = performance.now();
      if (this.#mustCompare || this.#watched.size === 0) return;
    }
    const streams = [...this.#watched.keys()];
    const positions = streams.map((stream) => `0-${this.#watched.get(stream)?.last ?? 0}`);
    const answer = this.#send('xread', ['COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams, ...positions]);
    this.#isBlocked = true;
    try {
      this.#wakeNamed(await answer);
    } finally {
      this.#isBlocked = false;
    }
  }

  /** Wakes those who wait on the streams in the answer. If the client names streams otherwise, states are compared. */
  #wakeNamed(answer: unknown): void {
    if (answer === null) return;
    const named = Array.isArray(answer) ? (answer as [string, [[string]]][]) : [];
    if (named.length === 0) this.#mustCompare = true;
    for (const [streamKey, [[id]]] of named) {
      const watched = this.#watched.get(streamKey);
      if (watched) {
        watched.last = id.slice(2);
        this.#hub.wake(streamKey);
      } else this.#mustCompare = true;
    }
  }

  /**
   * Wakes those who wait on a Timeline that has moved, or that is compared for the first time and may have moved
   * before. A state that could not be read is undefined.
   */
  async #compareStates(readStates: (stateKeys: string[]) => Promise<unknown[]>): Promise<void> {
    const all = [...this.#watched];
    if (all.length === 0) return;
    const states = await readStates(all.map(([, { stateKey }]) => stateKey));
    all.forEach(([streamKey, watched], i) => {
      const state = states[i];
      if (state === undefined) return;
      const last = typeof state === 'string' ? lastIn(state) : '0';
      if (watched.last === last) return;
      watched.last = last;
      this.#hub.wake(streamKey);
    });
  }
}
