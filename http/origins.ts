import { GatewayError } from './problems.js';
import { DEVICE_HEADER, KEY_HEADER, LAST_EVENT_ID_HEADER } from './protocol.js';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'if-none-match'],
  ...[DEVICE_HEADER, KEY_HEADER, LAST_EVENT_ID_HEADER],
].join(', ');
const RESPONSE_HEADERS = 'etag, retry-after';
const PREFLIGHT_SECONDS = '600';

/** Decides which pages may use the gateway: those of its own host, and those of the given origins. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;

  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed);
  }

  /**
   * Refuses pages of other origins. Browsers do not do that for WebSockets, nor for requests that need no preflight.
   * Other clients send no origin.
   */
  check(request: Request): void {
    const origin = request.headers.get('origin');
    if (origin === null || this.#allows(origin) || isOwnHost(origin, request)) return;
    const message = `the origin ${origin} is not that of this host, and none of the gateway's 'origins'`;
    throw new GatewayError('GATEWAY_ORIGIN_REFUSED', message);
  }

  /** Answers the request of a browser that asks first. */
  preflight(): Response {
    return new Response(null, {
      status: 204,
      headers: {
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': REQUEST_HEADERS,
        'access-control-max-age': PREFLIGHT_SECONDS,
      },
    });
  }

  /** Adds what lets the page read the answer. */
  mark(request: Request, { headers }: Response): void {
    headers.append('vary', 'Origin');
    const origin = request.headers.get('origin');
    if (origin === null || !this.#allows(origin)) return;
    const isNamed = this.#allowed.has(origin);
    headers.set('access-control-allow-origin', isNamed ? origin : '*');
    headers.set('access-control-expose-headers', RESPONSE_HEADERS);
    if (isNamed) headers.set('access-control-allow-credentials', 'true');
  }

  #allows(origin: string): boolean {
    return this.#allowed.has(origin) || this.#allowed.has('*');
  }
}

/** Proxies change the scheme and the host of a request. A page of another origin cannot set these headers. */
function isOwnHost(origin: string, request: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  const { headers, url } = request;
  return headers.get('x-forwarded-host') === host || (headers.get('host') ?? new URL(url).host) === host;
}
