import type { AdapterWarning } from '../../src/adapter.js';
import { isTimelineError, ListenerHub, pause, reasonOf } from '../../src/toolkit/index.js';
import type { RedisClient } from './connection/client.js';
import type { Connections } from './connection/connections.js';
import type { Route } from './connection/server-route.js';

/** Milliseconds between two checks that the connection is alive. */
const PING_MS = 1000;
/** Milliseconds that an answer may take. A silent connection is replaced before that, a node of a Cluster then. */
const ANSWER_MS = 2500;
/** Milliseconds without traffic, while an answer is due, after which the connection is checked. */
const SILENCE_MS = 1000;
const RETRY_MS = 100;
const CHANNELS_PER_COMMAND = 500;

type Warn = (warning: AdapterWarning) => void;

/**
 * Passes messages of channels on to the listeners of one adapter, all of them by one connection, which cannot carry
 * other commands meanwhile. It exists while there are listeners. What is published while it is away is lost. In a
 * Cluster every node hears of every message, so it is a connection to any node.
 */
export class ChannelListeners {
  readonly #connections: Connections;
  readonly #hub = new ListenerHub<[payload: string]>({
    onAdded: () => this.#changed(),
    onRemoved: () => this.#changed(),
  });
  #route: Route | undefined;
  #client: RedisClient | undefined;
  /** Channels that the present connection is subscribed to. */
  readonly #subscribed = new Set<string>();
  #running: Promise<void> | undefined;
  #ring: (() => void) | undefined;
  #warn: Warn = () => {};
  #isRefused = false;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Returns the function that ends it. `warn` hears if the server refuses the subscription. */
  add(channel: string, hear: (payload: string) => void, warn: Warn): () => void {
    this.#warn = warn;
    return this.#hub.add(channel, hear);
  }

  #changed(): void {
    // Also ends an answer that is waited for.
    if (this.#hub.size === 0) this.#closeRoute();
    this.#ring?.();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Channels added within one turn are subscribed to together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#hub.size > 0) {
      try {
        await this.#becomeReady();
        if (await this.#subscribe()) continue;
        await this.#changeWithin(PING_MS);
        if (this.#isComplete()) await this.#send('ping', []);
      } catch (error) {
        this.#failed(error);
        await pause(RETRY_MS, { keepsAlive: false });
      }
    }
    this.#closeRoute();
    this.#running = undefined;
    this.#isRefused = false;
  }

  async #becomeReady(): Promise<void> {
    this.#route ??= this.#connections.openServerRoute(SILENCE_MS, () => this.#connected());
    const route = this.#route;
    if (!route.isReady('')) await route.becomeReady('', performance.now() + ANSWER_MS);
    const { client } = route;
    if (client === this.#client) return;
    this.#client = client;
    this.#subscribed.clear();
    client.on('message', (channel: string, payload: string) => {
      if (client === this.#client) this.#hub.tell(channel, payload);
    });
  }

  /** The server forgets the subscriptions of a connection that ended. */
  #connected(): void {
    this.#subscribed.clear();
    this.#ring?.();
  }

  /** Takes one step; false if there was nothing to do. */
  async #subscribe(): Promise<boolean> {
    const missing = [...this.#hub.names].filter((channel) => !this.#subscribed.has(channel));
    const added = missing.slice(0, CHANNELS_PER_COMMAND);
    if (added.length > 0) {
      await this.#send('subscribe', added);
      for (const channel of added) this.#subscribed.add(channel);
      this.#isRefused = false;
      return true;
    }
    const removed = [...this.#subscribed].filter((channel) => !this.#hub.has(channel)).slice(0, CHANNELS_PER_COMMAND);
    if (removed.length === 0) return false;
    await this.#send('unsubscribe', removed);
    for (const channel of removed) this.#subscribed.delete(channel);
    return true;
  }

  #isComplete(): boolean {
    return this.#hub.size === this.#subscribed.size && [...this.#hub.names].every((name) => this.#subscribed.has(name));
  }

  #send(command: string, args: string[]): Promise<unknown> {
    const route = this.#route as Route;
    return route.send({ key: '', deadline: performance.now() + ANSWER_MS }, (client) => client.call(command, args));
  }

  /** Resolves at the next change of channels, or after `ms`. */
  async #changeWithin(ms: number): Promise<void> {
    if (!this.#isComplete()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#ring = undefined;
  }

  #failed(error: unknown): void {
    // What was subscribed to is not known: subscribing again is harmless.
    this.#subscribed.clear();
    // Another node may be alive.
    if (this.#connections.client.isCluster) this.#closeRoute();
    if (this.#isRefused || isTimelineError(error) || !/NOPERM/.test(reasonOf(error))) return;
    this.#isRefused = true;
    const message = `Redis refuses to subscribe to channels, so that no signal is heard: ${reasonOf(error)}`;
    this.#warn({ code: 'redis-signals-refused', message });
  }

  #closeRoute(): void {
    this.#route?.close();
    this.#route = undefined;
    this.#client = undefined;
    this.#subscribed.clear();
  }
}
