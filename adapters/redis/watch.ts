import type { Hint } from '../../src/adapter.js';
import { pause, WatchHub } from '../../src/toolkit/index.js';
import type { RedisArgument } from './connection/client.js';
import type { Connections } from './connection/connections.js';
import type { Route } from './connection/server-route.js';
import type { Library } from './library.js';
import { type StreamRow, toSlice } from './row-codec.js';
import { epochIn, lastIn, TimelineState } from './timeline-state.js';

/** Milliseconds after which a blocking read ends. */
const BLOCK_MS = 2000;
/** Milliseconds that its answer may be late before the connection counts as silent. */
const BLOCK_GRACE_MS = 1000;
/** The budget of a poll in a Cluster, lest one node that is away holds up the others. */
const POLL_BUDGET_MS = 1000;
const RETRY_MS = 100;
/** The most Timelines per millisecond for which a Cluster is polled. */
const POLLS_PER_MS = 10;

/** Entries of one stream in the answer of a wait, and of all streams. */
const MAX_ROWS = 16;
const MAX_ROWS_IN_ALL = 1000;
/** The most Timelines whose states are read together with each wait, which saves a round trip after it. */
const STATES_PER_WAIT = 32;

/** The most Timelines per millisecond that are compared without a reason: subscriptions look for themselves too. */
const COMPARED_PER_MS = 1;

interface WatchedTimeline {
  readonly library: Library;
  readonly timeline: string;
  readonly stateKey: string;
  /** The last known SeqId, as text; undefined before the first comparison. */
  last: string | undefined;
  /** Epoch of the entry; `''` if there is none. */
  epoch: string;
}

type StreamAnswer = readonly [name: Buffer, rows: readonly StreamRow[]];

/**
 * Wakes those who wait on Timelines of one adapter, all of them by one connection.
 *
 * On a single server it waits in XREAD BLOCK on their streams; when Timelines are added, CLIENT UNBLOCK ends the wait.
 * The answer has the new entries. The state, read right after it, shows whether they are what a read returns: of the
 * same epoch, not trimmed, and without versions in the overlay.
 * In a Cluster, where no command may name several slots, it polls their states. The states are compared before a wait
 * that names other Timelines than the last one, and every {@link BLOCK_MS} or less often, for streams that were lost.
 * Whenever there is a connection again, everybody is woken.
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
  add(library: Library, timeline: string, wake: (hint?: Hint) => void): () => void {
    const { streamKey, stateKey } = library.keys.of(timeline);
    const stop = this.#hub.watch(streamKey, wake);
    // The Timeline may have moved before this watch began.
    this.#watched.set(streamKey, { library, timeline, stateKey, last: undefined, epoch: '' });
    this.#changed();
    return stop;
  }

  /** Compares the states at once: one has changed without a new entry. */
  compare(): void {
    if (this.#watched.size > 0) this.#changed();
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
    const route = await this.#readyRoute();
    return route.send({ key: '', deadline: Number.POSITIVE_INFINITY }, (client) => client.call(command, args));
  }

  async #readyRoute(): Promise<Route> {
    this.#route ??= this.#connections.openRoute(BLOCK_MS + BLOCK_GRACE_MS, () => this.#wakeAll());
    const route = this.#route;
    if (!route.isReady('')) await route.becomeReady('', Number.POSITIVE_INFINITY);
    return route;
  }

  async #block(): Promise<void> {
    // After news, the next wait follows at once: the server should first serve those who read them.
    const compareMs = Math.max(BLOCK_MS, this.#watched.size / COMPARED_PER_MS);
    if (this.#mustCompare || performance.now() - this.#comparedAt >= compareMs) {
      this.#mustCompare = false;
      await this.#compareStates((stateKeys) => this.#send('mget', stateKeys) as Promise<unknown[]>);
      this.#connectionId = Number(await this.#send('client', ['id']));
      this.#comparedAt = performance.now();
      if (this.#mustCompare || this.#watched.size === 0) return;
    }
    const all = [...this.#watched];
    const count = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_ROWS_IN_ALL / all.length)));
    const positions = all.map(([, { last }]) => `0-${last ?? 0}`);
    const streams = all.map(([streamKey]) => streamKey);
    const route = await this.#readyRoute();
    const options = { key: '', deadline: Number.POSITIVE_INFINITY };
    const wait = ['COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams, ...positions];
    const answer = route.send(options, (client) => client.callBuffer('xread', wait));
    // Sent behind the wait, so that the server answers both at once.
    const readStates = (each: typeof all) =>
      this.#send(
        'mget',
        each.map(([, { stateKey }]) => stateKey),
      ) as Promise<(string | null)[]>;
    const states = all.length <= STATES_PER_WAIT ? readStates(all) : undefined;
    states?.catch(() => undefined);
    this.#isBlocked = true;
    let named: [string, WatchedTimeline, readonly StreamRow[]][];
    try {
      named = this.#namedIn(await answer);
    } finally {
      this.#isBlocked = false;
    }
    if (named.length === 0) return;
    const texts = states ? new Map((await states).map((text, i) => [streams[i], text])) : undefined;
    const found = texts ? undefined : await readStates(named.map(([streamKey, watched]) => [streamKey, watched]));
    named.forEach(([streamKey, watched, rows], i) => {
      this.#tell(streamKey, watched, rows, (texts ? texts.get(streamKey) : found?.[i]) ?? undefined);
    });
  }

  /** The watched streams in an answer. If the client names streams otherwise, states are compared. */
  #namedIn(answer: unknown): [string, WatchedTimeline, readonly StreamRow[]][] {
    if (answer === null) return [];
    const streams = Array.isArray(answer) ? (answer as StreamAnswer[]) : [];
    const { keyPrefix } = this.#connections;
    const named = streams.flatMap(([name, rows]): [string, WatchedTimeline, readonly StreamRow[]][] => {
      const streamKey = name.toString().slice(keyPrefix.length);
      const watched = this.#watched.get(streamKey);
      return watched ? [[streamKey, watched, rows]] : [];
    });
    if (named.length < streams.length || streams.length === 0) this.#mustCompare = true;
    return named;
  }

  #tell(streamKey: string, watched: WatchedTimeline, rows: readonly StreamRow[], state: string | undefined): void {
    const { last, epoch } = watched;
    watched.last = (rows.at(-1) as StreamRow)[0].toString('latin1', 2);
    watched.epoch = state === undefined ? '' : epochIn(state);
    // Between two states of one epoch there was no other. The first entry may begin one.
    const isSameEpoch = last !== undefined && (watched.epoch === epoch || (last === '0' && epoch === ''));
    const hint = isSameEpoch && state !== undefined ? hintOf(watched, BigInt(last), rows, state) : undefined;
    this.#hub.wake(streamKey, hint);
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
      const epoch = typeof state === 'string' ? epochIn(state) : '';
      if (watched.last === last && watched.epoch === epoch) return;
      watched.last = last;
      watched.epoch = epoch;
      this.#hub.wake(streamKey);
    });
  }
}

/** Returns nothing if a read might return something else. */
function hintOf(
  { library, timeline }: WatchedTimeline,
  after: bigint,
  rows: readonly StreamRow[],
  text: string,
): Hint | undefined {
  const { clock } = library;
  const latest = clock.latestTime();
  const parsed = new TimelineState(text);
  const state = parsed.visibleAt(library.cutoff(), latest);
  if (parsed.hasVersions || state.needsRetention) return undefined;
  const range = { timeline, after, limit: rows.length, reverse: false };
  const slice = toSlice(range, state, { rows, endedEarly: false }, { clock, latest, state: text });
  const isVisible = slice.rows.every(({ seqId }) => seqId > state.floor && seqId <= state.lastSeqId);
  return isVisible && slice.rows.length > 0 ? { epoch: state.epoch, rows: slice.rows } : undefined;
}
