import { invalidArgument, isTimelineError } from '../src/toolkit/index.js';

/** The part of a request of `node:http` that the gateway uses. */
export interface NodeRequest {
  /** Method. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** Names and values of headers in turn. */
  readonly rawHeaders: readonly string[];
  /** Connection; `encrypted` of one with TLS. */
  readonly socket: object;
  /** Reads the body. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>;
}

/** The part of a response of `node:http` that the bridge uses. */
export interface NodeResponse {
  /** The headers are sent. */
  readonly headersSent: boolean;
  /** Sends status and headers. */
  writeHead(status: number, headers: Record<string, string | string[]>): unknown;
  /** Sends a part of the body. `false`: wait for `drain`. */
  write(chunk: Uint8Array): boolean;
  /** Ends the body. */
  end(): unknown;
  /** Ends the connection. */
  destroy(): unknown;
  /** Sends the headers before the body. */
  flushHeaders?(): void;
  /** Listens. */
  on(event: 'close' | 'drain', listener: () => void): unknown;
  /** Listens no more. */
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/** Express keeps the path before its mounts here, and a parsed body. */
interface ExpressFields {
  readonly originalUrl?: string;
  readonly body?: unknown;
}

const BODYLESS = new Set(['GET', 'HEAD']);

/**
 * Makes a handler for `node:http`, Express and Fastify of one that takes a `Request`.
 *
 * @example
 * createServer(toNodeHandler(gateway.fetch)).listen(3000);
 */
export function toNodeHandler(
  fetch: (request: Request) => Promise<Response>,
): (request: NodeRequest, response: NodeResponse) => void {
  return (incoming, outgoing) => {
    void respond(fetch, incoming, outgoing).catch((error: unknown) => {
      if (outgoing.headersSent) outgoing.destroy();
      else {
        outgoing.writeHead(isTimelineError(error) ? 400 : 500, {});
        outgoing.end();
      }
    });
  };
}

/** Makes the `Request` of a request of `node:http`, with its body if `signal` is given. */
export function toRequest(incoming: NodeRequest & ExpressFields, signal?: AbortSignal): Request {
  const headers = headersOf(incoming.rawHeaders);
  const scheme = 'encrypted' in incoming.socket ? 'https' : 'http';
  const url = `${scheme}://${headers.get('host') ?? 'localhost'}${pathOf(incoming.originalUrl ?? incoming.url ?? '/')}`;
  const method = signal ? (incoming.method ?? 'GET') : 'GET';
  const body = BODYLESS.has(method) ? undefined : bodyOf(incoming);
  const init = {
    ...{ method, headers },
    ...(signal && { signal }),
    ...(body !== undefined && { body: body as ReadableStream<Uint8Array>, duplex: 'half' as const }),
  };
  try {
    return new Request(url, init);
  } catch (cause) {
    throw invalidArgument('request', 'has an invalid address or method', { cause });
  }
}

/** A client of a proxy names the whole address. `//` at the beginning is a path, and not another host. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  if (!URL.canParse(target)) return '/';
  const { pathname, search } = new URL(target);
  return pathname + search;
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    // HTTP/2 has names with a colon, which are no headers.
    if (!name.startsWith(':')) headers.append(name, value);
    else if (name === ':authority') headers.set('host', value);
  }
  return headers;
}

/** A framework may have read and parsed the body. */
function bodyOf(incoming: NodeRequest & ExpressFields): unknown {
  const { body } = incoming;
  if (body === undefined) return streamOf(incoming);
  return typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
}

function streamOf(incoming: NodeRequest): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

async function respond(
  fetch: (request: Request) => Promise<Response>,
  incoming: NodeRequest,
  outgoing: NodeResponse,
): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  outgoing.on('close', onClose);
  try {
    const response = await fetch(toRequest(incoming, gone.signal));
    outgoing.writeHead(response.status, plainHeaders(response.headers));
    if (response.body) await passOn(response.body, outgoing, gone.signal);
    if (!gone.signal.aborted) outgoing.end();
  } finally {
    outgoing.off('close', onClose);
  }
}

/** Writes no faster than the client reads. */
async function passOn(body: ReadableStream<Uint8Array>, outgoing: NodeResponse, gone: AbortSignal): Promise<void> {
  outgoing.flushHeaders?.();
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  gone.addEventListener('abort', cancel, { once: true });
  // A stream that fails while the client does not read has to close the connection at once.
  reader.closed.catch(() => outgoing.destroy());
  try {
    if (gone.aborted) cancel();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      if (!outgoing.write(step.value)) await writable(outgoing);
    }
  } finally {
    gone.removeEventListener('abort', cancel);
  }
}

function writable(outgoing: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
  });
}

function plainHeaders(headers: Headers): Record<string, string | string[]> {
  const plain: Record<string, string | string[]> = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) plain['set-cookie'] = cookies;
  return plain;
}
