import { isAuthError } from '../errors.js';
import { connectTimeoutMs, duplicate, type RedisClient, trafficOf } from './client.js';
import { type CommandOptions, isAnswerDue, PendingCommands } from './pending-commands.js';

/** Milliseconds before a client that has given up is replaced. */
const REPLACE_ENDED_MS = 200;

export interface RouteOptions {
  readonly budgetMs: number;
  /** Milliseconds without traffic, while an answer is due, after which a connection is checked. */
  readonly silenceMs: number;
  /** Called when there is a connection, the first or another: the server may have other data by now. */
  readonly onReady: () => void;
}

/** The connections of the adapter to a server or a Cluster. */
export interface Route {
  readonly client: RedisClient;
  /** The last error while there is no connection. */
  readonly lastError: Error | undefined;
  isReady(key: string): boolean;
  becomeReady(key: string, deadline: number): Promise<void>;
  /** Rejects by the deadline, though the server may still carry out the command. */
  send(options: CommandOptions, run: (client: RedisClient) => Promise<unknown>): Promise<unknown>;
  /** Sends a slow command to every connected master. */
  sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]>;
  /** Connects again, because another server serves the key now. */
  reconnect(key: string): void;
  close(): void;
}

/**
 * One connection to one server, or through Sentinel to the present master. ioredis reconnects a closed connection; this
 * also replaces one that only looks alive: a connection that has gone silent while the server answers on another one,
 * an attempt to connect that hangs, and a client that has given up.
 */
export class ServerRoute implements Route {
  readonly #origin: RedisClient;
  readonly #options: RouteOptions;
  readonly #pending: PendingCommands;
  #client: RedisClient;
  /** A second connection that shows whether the server answers, while the first one is silent. */
  #candidate: RedisClient | undefined;
  #lastChange = { client: undefined as RedisClient | undefined, traffic: 0, answers: 0, status: '', at: 0 };
  #lastCandidateChange = { traffic: 0, at: 0 };
  #lastError: Error | undefined;
  #isClosed = false;

  constructor(origin: RedisClient, options: RouteOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#pending = new PendingCommands(options.budgetMs, (now) => this.#check(now));
    this.#client = this.#connect();
  }

  get client(): RedisClient {
    return this.#client;
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  isReady(): boolean {
    return this.#client.status === 'ready';
  }

  async becomeReady(_key: string, deadline: number): Promise<void> {
    while (!this.isReady()) await this.#pending.waitForConnection(deadline);
  }

  send(options: CommandOptions, run: (client: RedisClient) => Promise<unknown>): Promise<unknown> {
    const client = this.#client;
    return this.#pending.track(client, options, () => run(client));
  }

  async sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]> {
    return [await this.send({ key: '', deadline, isSlow: true }, run)];
  }

  reconnect(): void {
    if (this.isReady()) this.#replace('another server is the master now');
  }

  close(): void {
    this.#isClosed = true;
    this.#pending.stop(new Error('the connection was closed'));
    this.#candidate?.disconnect();
    this.#client.disconnect();
  }

  #connect(): RedisClient {
    const client = duplicate(this.#origin, this.#options.budgetMs);
    client.on('ready', () => {
      if (client === this.#client) this.#becameReady();
      else if (client === this.#candidate) void this.#compareWith(client);
    });
    client.on('error', (error: Error) => {
      if (client !== this.#client) return;
      this.#lastError = error;
      // Waiting does not help against a refused password.
      if (isAuthError(error)) this.#pending.rejectWaiting(error);
    });
    return client;
  }

  #becameReady(): void {
    this.#lastError = undefined;
    this.#options.onReady();
    this.#pending.resolveWaiting();
  }

  /** Rejects the commands on the present connection; calls that wait for one go on waiting. */
  #replace(why: string, next?: RedisClient): void {
    const old = this.#client;
    const candidate = this.#candidate;
    this.#candidate = undefined;
    if (candidate !== next) candidate?.disconnect();
    this.#client = next ?? this.#connect();
    old.disconnect();
    this.#pending.rejectSentTo(old, new Error(why));
    if (next) this.#becameReady();
  }

  #check(now: number): void {
    const { answers, isConnectionAwaited, sent } = this.#pending;
    const { budgetMs, silenceMs } = this.#options;
    const client = this.#client;
    const [traffic, status] = [trafficOf(client), client.status];
    const last = this.#lastChange;
    if (last.client !== client || last.traffic !== traffic || last.answers !== answers || last.status !== status) {
      this.#lastChange = { client, traffic, answers, status, at: now };
      this.#dropCandidate();
    }
    const quietMs = now - this.#lastChange.at;
    if (status === 'ready') {
      if (this.#candidate) this.#checkCandidate(now);
      else if (quietMs >= silenceMs && isAnswerDue(sent, now, silenceMs)) this.#connectCandidate(now);
    } else if (isConnectionAwaited && quietMs >= (status === 'end' ? REPLACE_ENDED_MS : connectTimeoutMs(budgetMs))) {
      this.#lastError ??= new Error(
        status === 'end' ? 'the client has given up' : `there is no answer yet, and the connection is ${status}`,
      );
      this.#replace('the connection was never made');
    }
  }

  #connectCandidate(now: number): void {
    this.#lastCandidateChange = { traffic: 0, at: now };
    this.#candidate = this.#connect();
  }

  #dropCandidate(): void {
    this.#candidate?.disconnect();
    this.#candidate = undefined;
  }

  /** Replaces a candidate that goes silent itself: behind a dead proxy it would wait for ever. */
  #checkCandidate(now: number): void {
    const traffic = trafficOf(this.#candidate as RedisClient);
    if (traffic !== this.#lastCandidateChange.traffic) this.#lastCandidateChange = { traffic, at: now };
    else if (now - this.#lastCandidateChange.at >= connectTimeoutMs(this.#options.budgetMs)) {
      this.#dropCandidate();
      this.#connectCandidate(now);
    }
  }

  /** Replaces the connection if the candidate is answered first: a busy server answers the older connection first. */
  async #compareWith(candidate: RedisClient): Promise<void> {
    // A refusal is an answer too.
    await candidate.call('ping', []).catch(() => {});
    if (this.#isClosed || candidate !== this.#candidate) return;
    if (trafficOf(this.#client) !== this.#lastChange.traffic) this.#dropCandidate();
    else this.#replace('the connection went silent, though the server answers', candidate);
  }
}
