import { attemptMs, duplicate, type RedisClient, trafficOf } from './client.js';
import { Outstanding, type Sending, type Sent } from './outstanding.js';
import { isRefusedLogin } from './redis-errors.js';

/** Rest before a client that has given up is made again. */
const END_REST_MS = 200;

export interface LinkOptions {
  readonly budgetMs: number;
  /** How long nothing may be heard while an answer is due. */
  readonly silenceMs: number;
  /** There is a connection, the first or another: what was believed of the server may not hold any more. */
  readonly onReady: () => void;
}

/** Sends over connections of our own, and keeps them alive. */
export interface Route {
  readonly client: RedisClient;
  /** What went wrong last, while there is no connection. */
  readonly lastError: Error | undefined;
  isReady(key: string): boolean;
  becomeReady(key: string, deadline: number): Promise<void>;
  /** Rejects by the deadline, though the command may still be carried out. */
  send(sending: Sending, run: (client: RedisClient) => Promise<unknown>): Promise<unknown>;
  /** To every server of writes that is connected; the answers may take their time. */
  sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]>;
  /** The server of the key is not the one that is wanted any more: connects anew. */
  distrust(key: string): void;
  close(): void;
}

/**
 * One connection to one server, or by way of Sentinel to whichever is master. ioredis reconnects what was closed; this
 * replaces what only looks alive: a connection that has gone silent while the server answers on another one, an attempt
 * to connect that hangs, a client that has given up.
 */
export class Link implements Route {
  readonly #origin: RedisClient;
  readonly #options: LinkOptions;
  readonly #outstanding: Outstanding;
  #client: RedisClient;
  /** Asked whether the server answers, while the connection is silent. */
  #candidate: RedisClient | undefined;
  #seen = { client: undefined as RedisClient | undefined, traffic: 0, answers: 0, status: '', at: 0 };
  #candidateSeen = { traffic: 0, at: 0 };
  #lastError: Error | undefined;
  #closed = false;

  constructor(origin: RedisClient, options: LinkOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#outstanding = new Outstanding(options.budgetMs, (now) => this.#look(now));
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
    while (!this.isReady()) await this.#outstanding.wait(deadline);
  }

  send(sending: Sending, run: (client: RedisClient) => Promise<unknown>): Promise<unknown> {
    const client = this.#client;
    return this.#outstanding.track(client, sending, () => run(client));
  }

  async sendToMasters(deadline: number, run: (client: RedisClient) => Promise<unknown>): Promise<unknown[]> {
    return [await this.send({ key: '', deadline, patient: true }, run)];
  }

  distrust(): void {
    if (this.isReady()) this.#renew('the server is not the one that is wanted any more');
  }

  close(): void {
    this.#closed = true;
    this.#outstanding.stop(new Error('the connection was closed'));
    this.#candidate?.disconnect();
    this.#client.disconnect();
  }

  #connect(): RedisClient {
    const client = duplicate(this.#origin, this.#options.budgetMs);
    client.on('ready', () => {
      if (client === this.#client) this.#ready();
      else if (client === this.#candidate) void this.#prove(client);
    });
    client.on('error', (error: Error) => {
      if (client !== this.#client) return;
      this.#lastError = error;
      // No waiting helps against a password that is refused.
      if (isRefusedLogin(error)) this.#outstanding.refuse(error);
    });
    return client;
  }

  #ready(): void {
    this.#lastError = undefined;
    this.#options.onReady();
    this.#outstanding.wake();
  }

  /** What was sent by the present connection is lost; what waits goes on waiting. */
  #renew(why: string, next?: RedisClient): void {
    const old = this.#client;
    const candidate = this.#candidate;
    this.#candidate = undefined;
    if (candidate !== next) candidate?.disconnect();
    this.#client = next ?? this.#connect();
    old.disconnect();
    this.#outstanding.lose(old, new Error(why));
    if (next) this.#ready();
  }

  #look(now: number): void {
    const { answers, isAwaited, sent } = this.#outstanding;
    const client = this.#client;
    const [traffic, status] = [trafficOf(client), client.status];
    const seen = this.#seen;
    if (seen.client !== client || seen.traffic !== traffic || seen.answers !== answers || seen.status !== status) {
      this.#seen = { client, traffic, answers, status, at: now };
      this.#dismiss();
    }
    const quietMs = now - this.#seen.at;
    if (status === 'ready') {
      if (this.#candidate) this.#lookAtCandidate(now);
      else if (quietMs >= this.#options.silenceMs && isDue(sent, now, this.#options.silenceMs)) this.#suspect(now);
    } else if (isAwaited && quietMs >= (status === 'end' ? END_REST_MS : attemptMs(this.#options.budgetMs))) {
      this.#lastError ??= new Error(
        status === 'end' ? 'the client has given up' : `there is no answer yet, and the connection is ${status}`,
      );
      this.#renew('the connection was never made');
    }
  }

  #suspect(now: number): void {
    this.#candidateSeen = { traffic: 0, at: now };
    this.#candidate = this.#connect();
  }

  #dismiss(): void {
    this.#candidate?.disconnect();
    this.#candidate = undefined;
  }

  /** Accepted by what forwards nothing any more, it would wait for ever. */
  #lookAtCandidate(now: number): void {
    const traffic = trafficOf(this.#candidate as RedisClient);
    if (traffic !== this.#candidateSeen.traffic) this.#candidateSeen = { traffic, at: now };
    else if (now - this.#candidateSeen.at >= attemptMs(this.#options.budgetMs)) {
      this.#dismiss();
      this.#suspect(now);
    }
  }

  /** A server that was busy answers the older connection first. */
  async #prove(candidate: RedisClient): Promise<void> {
    // A refusal is an answer.
    await candidate.call('ping', []).catch(() => {});
    if (this.#closed || candidate !== this.#candidate) return;
    if (trafficOf(this.#client) !== this.#seen.traffic) this.#dismiss();
    else this.#renew('the connection went silent, though the server answers', candidate);
  }
}

/** An answer should have come: not while one is awaited that takes its time, since answers come in order. */
export function isDue(sent: Iterable<Sent>, now: number, silenceMs: number): boolean {
  let due = false;
  for (const { sentAt, deadline, patient } of sent) {
    if (patient && deadline > now) return false;
    due ||= sentAt + silenceMs <= now;
  }
  return due;
}
