import { invalidArgument } from '../../src/toolkit/index.js';
import { findUser } from '../authentication.js';
import { openStreamDevice } from '../device-position.js';
import { type NodeRequest, toRequest } from '../node-handler.js';
import type { GatewayUser } from '../options.js';
import type { Origins } from '../origins.js';
import { GatewayError, isFault, problemOf } from '../problems.js';
import { type ClientFrame, type Closing, TOKEN_SUBPROTOCOL } from '../protocol.js';
import type { Services } from '../routes/route.js';
import { AckWriter } from './ack-writer.js';
import { parseClientFrame } from './client-frames.js';
import { deviceFrames } from './device-frames.js';
import { LiveStream } from './live-stream.js';
import { readyFrame } from './opening.js';
import { type GatewaySocket, SocketSink } from './socket-sink.js';

export type { GatewaySocket } from './socket-sink.js';

/** Frames of a client that wait until its stream is ready. */
const MAX_EARLY_FRAMES = 16;

interface SocketHooks {
  readonly origins: Origins;
  /** `false`: the user asks for too much. */
  readonly takeRequest: (user: string) => boolean;
  /** `false`: the user sends too much. */
  readonly takeSend: (user: string) => boolean;
  readonly isDraining: () => boolean;
}

/** Serves one WebSocket until it is closed. */
export function serveSocket<M>(
  services: Services<M>,
  ws: GatewaySocket,
  given: Request | NodeRequest,
  hooks: SocketHooks,
): void {
  const connection = new Connection(services, ws, hooks);
  // At once, or frames that are there already would be lost.
  ws.addEventListener('message', ({ data }) => connection.receive(data));
  ws.addEventListener('close', () => connection.gone());
  ws.addEventListener('error', () => connection.gone());
  void connection.serve(given);
}

class Connection<M> {
  readonly #services: Services<M>;
  readonly #sink: SocketSink<M>;
  readonly #hooks: SocketHooks;
  readonly #stopping = new AbortController();
  readonly #early: ClientFrame[] = [];
  /** The token in a frame; `''` for none. */
  readonly #token: Promise<string>;
  #onToken: (token: string) => void = () => undefined;
  #stream: LiveStream<M> | undefined;
  #user = '';
  #acks: AckWriter | undefined;
  #isOpen = false;

  constructor(services: Services<M>, ws: GatewaySocket, hooks: SocketHooks) {
    this.#services = services;
    this.#hooks = hooks;
    this.#sink = new SocketSink(ws, services.options.limits.bufferedBytes);
    this.#token = new Promise((resolve) => {
      this.#onToken = resolve;
    });
  }

  async serve(given: Request | NodeRequest): Promise<void> {
    let release: (() => void) | undefined;
    try {
      await this.#sink.opened();
      if (this.#hooks.isDraining()) throw new GatewayError('GATEWAY_DRAINING', 'the server shuts down');
      const request = withToken(given instanceof Request ? given : toRequest(given));
      this.#hooks.origins.check(request);
      const found = await this.#authenticate(request);
      if (this.#stopping.signal.aborted) return;
      if (!this.#hooks.takeRequest(found.user))
        throw new GatewayError('GATEWAY_TOO_MANY_REQUESTS', 'too many requests of this user');
      release = this.#services.streams.reserve(found.user);
      await this.#run(request, { user: found.user, device: found.device });
    } catch (error) {
      this.#refuse(error);
    } finally {
      release?.();
    }
  }

  receive(data: unknown): void {
    if (!this.#isOpen && this.#stopping.signal.aborted) return;
    try {
      const frame = parseClientFrame(data, this.#services.options.limits.bodyBytes);
      if (frame.type === 'auth') this.#onToken(frame.token);
      else if (this.#isOpen) this.#take(frame);
      else if (this.#early.length < MAX_EARLY_FRAMES) this.#early.push(frame);
      else throw new GatewayError('GATEWAY_TOO_MANY_REQUESTS', 'too many frames before the stream is ready');
    } catch (error) {
      this.#refuse(error);
    }
  }

  gone(): void {
    this.#sink.gone();
    this.#stopping.abort();
    this.#stream?.stop();
    this.#onToken('');
  }

  async #run(request: Request, reader: { readonly user: string; readonly device: string | undefined }): Promise<void> {
    const { options, streams } = this.#services;
    const { device, after } = await openStreamDevice(this.#services, request, reader);
    if (this.#stopping.signal.aborted) return;
    const frames = deviceFrames(device, after, this.#stopping.signal);
    const stream = new LiveStream(frames, this.#sink, this.#stopping, options);
    this.#stream = stream;
    this.#user = reader.user;
    const onRefused = (error: unknown) => stream.fail(error);
    if (after === undefined) this.#acks = new AckWriter(device, options.limits.ackMs, onRefused);
    const ended = Promise.all([stream.ended.then(() => this.#acks?.close()), this.#sink.closed]);
    streams.add({ drain: () => stream.drain(), ended });
    if (this.#hooks.isDraining()) stream.drain();
    this.#isOpen = true;
    for (const frame of this.#early.splice(0)) this.#take(frame);
    await stream.run(readyFrame(reader, after, options.limits), frames.next());
  }

  /** Asks for the user of the upgrade. Without one, waits for the first frame. */
  async #authenticate(request: Request): Promise<GatewayUser> {
    const { options } = this.#services;
    const found = await findUser(options, request);
    if (found) return found;
    const timer = setTimeout(() => this.#onToken(''), options.limits.authMs);
    const given = await this.#token;
    clearTimeout(timer);
    const later = given === '' ? undefined : await findUser(options, authorized(request, given));
    if (later) return later;
    throw new GatewayError('GATEWAY_UNAUTHENTICATED', 'the connection has no user');
  }

  #take(frame: ClientFrame): void {
    if (frame.type === 'ack') {
      if (!this.#acks) throw invalidArgument('frame', 'acknowledges, but the client keeps the position');
      this.#acks.add(frame.cursor);
    } else if (frame.type === 'signal') void this.#signal(frame.conversation, frame.body);
  }

  /** Nothing depends on a signal: one that is refused is dropped. */
  async #signal(conversation: string, body: unknown): Promise<void> {
    const user = this.#user;
    const { sync, permissions, options } = this.#services;
    if (!this.#hooks.takeSend(user)) return;
    try {
      await permissions.check({ kind: 'signal', user, conversation });
      await sync.signal(conversation, { from: user, body });
    } catch (error) {
      if (isFault(problemOf(error))) options.onError(error);
    }
  }

  #refuse(error: unknown): void {
    if (this.#stream) {
      this.#stream.fail(error);
      return;
    }
    const problem = problemOf(error);
    const isOfGateway = error instanceof GatewayError;
    if (isFault(problem) && !isOfGateway) this.#services.options.onError(error);
    const reason = isFault(problem) ? (problem.code === 'GATEWAY_DRAINING' ? 'drain' : 'failed') : 'refused';
    const closing: Closing = { reason, resume: problem.retryable || isFault(problem), problem };
    this.#sink.end(closing);
    this.#stopping.abort();
    // Ends a wait for a token.
    this.#onToken('');
  }
}

/** A token in a subprotocol stands for a header, which a browser cannot set. */
function withToken(request: Request): Request {
  const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? [];
  const found = offered.map((each) => each.trim()).find((each) => each.startsWith(TOKEN_SUBPROTOCOL));
  return found === undefined ? request : authorized(request, found.slice(TOKEN_SUBPROTOCOL.length));
}

function authorized(request: Request, token: string): Request {
  const headers = new Headers(request.headers);
  try {
    headers.set('authorization', `Bearer ${token}`);
  } catch {
    throw new GatewayError('GATEWAY_UNAUTHENTICATED', 'the token holds characters that no token has');
  }
  return new Request(request.url, { headers });
}
