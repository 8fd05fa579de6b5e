import { describeValue, invalidArgument } from '../src/toolkit/index.js';
import type { MessageSync } from '../sync/index.js';
import { requireUser } from './authentication.js';
import type { NodeRequest } from './node-handler.js';
import { type CheckedOptions, checkGatewayOptions, type GatewayOptions } from './options.js';
import { Origins } from './origins.js';
import { Permissions } from './permissions.js';
import { GatewayError, isFault, problemOf, problemResponse } from './problems.js';
import { RateLimit } from './rate-limit.js';
import { hasKey } from './requests.js';
import { Router } from './router.js';
import type { Services } from './routes/route.js';
import { OpenStreams } from './streams/open-streams.js';
import { type GatewaySocket, serveSocket } from './streams/socket.js';

/** Serves a `MessageSync` over HTTP and WebSockets. */
export interface Gateway {
  /**
   * Answers a request. Never rejects. May be passed on without its object.
   *
   * @example
   * app.all('/chat/*', (c) => gateway.fetch(c.req.raw));
   */
  fetch(request: Request): Promise<Response>;
  /**
   * Serves an open WebSocket, whatever its path. `request` is that of the upgrade.
   *
   * @example
   * const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
   * server.on('upgrade', (request, socket, head) =>
   *   sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
   * );
   */
  socket(ws: GatewaySocket, request: Request | NodeRequest): void;
  /**
   * Ends all streams, so that their clients connect again elsewhere, refuses further requests, and resolves once those
   * under way are answered. Idempotent. Close the server and the `MessageSync` after it.
   *
   * @example
   * process.once('SIGTERM', async () => {
   *   const closed = once(server.close(), 'close');
   *   await gateway.drain();
   *   await closed;
   *   await sync.close();
   * });
   */
  drain(): Promise<void>;
}

/**
 * Makes a gateway: the routes, and frames of events by SSE and WebSocket. Throws `TIMELINE_INVALID_ARGUMENT` without
 * `authenticate`, or for an invalid option.
 *
 * @example
 * const gateway = createGateway(sync, { authenticate: (request) => userOf(request.headers.get('authorization')) });
 * createServer(toNodeHandler(gateway.fetch)).listen(3000);
 */
export function createGateway<M>(sync: MessageSync<M>, options: GatewayOptions): Gateway {
  if (typeof sync?.device !== 'function')
    throw invalidArgument('sync', `must be a MessageSync, not ${describeValue(sync)}`);
  const gateway = new SyncGateway(sync, checkGatewayOptions(options));
  return {
    fetch: (request) => gateway.fetch(request),
    socket: (ws, request) => gateway.socket(ws, request),
    drain: () => gateway.drain(),
  };
}

/** Methods that store something each time, unless they have a key. */
const APPENDING: ReadonlySet<string> = new Set(['POST', 'PATCH']);

class SyncGateway<M> implements Gateway {
  readonly #services: Services<M>;
  readonly #options: CheckedOptions;
  readonly #origins: Origins;
  readonly #router: Router<M>;
  readonly #requests: RateLimit;
  readonly #sends: RateLimit;
  readonly #answering = new Set<Promise<Response>>();
  #drained: Promise<void> | undefined;

  constructor(sync: MessageSync<M>, options: CheckedOptions) {
    const { limits, origins, basePath, authorize } = options;
    this.#options = options;
    const streams = new OpenStreams(limits.streamsPerUser);
    this.#services = { sync, options, permissions: new Permissions(sync, authorize), streams };
    this.#origins = new Origins(origins);
    this.#router = new Router(basePath);
    this.#requests = new RateLimit(limits.requestsPerSecond);
    this.#sends = new RateLimit(limits.sendsPerSecond);
  }

  async fetch(request: Request): Promise<Response> {
    const answering = this.#respond(request);
    this.#answering.add(answering);
    try {
      return await answering;
    } finally {
      this.#answering.delete(answering);
    }
  }

  socket(ws: GatewaySocket, request: Request | NodeRequest): void {
    serveSocket(this.#services, ws, request, {
      origins: this.#origins,
      takeRequest: (user) => this.#requests.take(user) === 0,
      takeSend: (user) => this.#sends.take(user) === 0,
      isDraining: () => this.#drained !== undefined,
    });
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const { streams } = this.#services;
    await Promise.allSettled([streams.drain(), ...this.#answering]);
    // Some of the requests may have been opening streams.
    await streams.drain();
  }

  async #respond(request: Request): Promise<Response> {
    const response = await this.#answer(request).catch((error: unknown) => this.#problem(error, request));
    this.#origins.mark(request, response);
    return response;
  }

  async #answer(request: Request): Promise<Response> {
    if (this.#drained) throw new GatewayError('GATEWAY_DRAINING', 'the server shuts down');
    this.#origins.check(request);
    if (request.method === 'OPTIONS') return this.#origins.preflight();
    const url = new URL(request.url);
    const { route, params } = this.#router.find(request.method, url);
    const { user, device } = await requireUser(this.#options, request);
    this.#take(this.#requests, user);
    if (route.isSend) this.#take(this.#sends, user);
    const takeSends = (most: number) => this.#sends.takeUpTo(user, most);
    return route.answer({ ...this.#services, request, url, user, device, params, takeSends });
  }

  #take(limit: RateLimit, user: string): void {
    const waitMs = limit.take(user);
    if (waitMs === 0) return;
    const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) };
    throw new GatewayError('GATEWAY_TOO_MANY_REQUESTS', `too many requests: wait ${waitMs} ms`, headers);
  }

  #problem(error: unknown, request: Request): Response {
    const isRepeatable = !APPENDING.has(request.method) || hasKey(request);
    const problem = problemOf(error, { isRepeatable });
    const isOfServer = isFault(problem) && !(error instanceof GatewayError);
    // Whoever is gone has given the call up.
    if (isOfServer && !request.signal.aborted) this.#options.onError(error);
    return problemResponse(problem, error instanceof GatewayError ? error.headers : {});
  }
}
