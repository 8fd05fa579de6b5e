import { isTimelineError, type TimelineError, type TimelineErrorCode } from '../src/index.js';
import { type GatewayErrorCode, PROBLEM_TYPE, type Problem } from './protocol.js';

const STATUSES: Readonly<Record<TimelineErrorCode | GatewayErrorCode, number>> = {
  TIMELINE_INVALID_ARGUMENT: 400,
  TIMELINE_INVALID_CURSOR: 400,
  TIMELINE_FORBIDDEN: 403,
  TIMELINE_NOT_FOUND: 404,
  TIMELINE_CONFLICT: 409,
  TIMELINE_KEY_CONFLICT: 409,
  TIMELINE_EPOCH_CHANGED: 410,
  TIMELINE_ROLLED_BACK: 410,
  TIMELINE_TRUNCATED: 410,
  TIMELINE_TOO_LARGE: 413,
  TIMELINE_DECODE: 500,
  TIMELINE_MISSING_DRIVER: 500,
  TIMELINE_UNSUPPORTED: 501,
  TIMELINE_BUSY: 503,
  TIMELINE_UNAVAILABLE: 503,
  TIMELINE_OUTCOME_UNKNOWN: 503,
  TIMELINE_ABORTED: 503,
  TIMELINE_CLOSED: 503,
  GATEWAY_UNAUTHENTICATED: 401,
  GATEWAY_ORIGIN_REFUSED: 403,
  GATEWAY_NO_ROUTE: 404,
  GATEWAY_METHOD_NOT_ALLOWED: 405,
  GATEWAY_UNSUPPORTED_MEDIA_TYPE: 415,
  GATEWAY_TOO_MANY_REQUESTS: 429,
  GATEWAY_DRAINING: 503,
  GATEWAY_INTERNAL: 500,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** Arguments that the server gives, not the client. */
const OF_SERVER = /^(?:authenticate|authorize|mayFound|diffusion|directory)\b/;

/** An error of the gateway itself. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: GatewayErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'GatewayError';
    this.code = code;
    this.headers = headers;
  }
}

/** An error as the client sees it. A fault of the server says nothing about its inside. */
export function problemOf(error: unknown, { isRepeatable = true }: { readonly isRepeatable?: boolean } = {}): Problem {
  if (error instanceof GatewayError) {
    const retryable = error.code === 'GATEWAY_TOO_MANY_REQUESTS' || error.code === 'GATEWAY_DRAINING';
    return problem(error.code, error.message, retryable);
  }
  if (!isTimelineError(error) || isFaultOfServer(error)) {
    return problem('GATEWAY_INTERNAL', 'the server has a fault', false);
  }
  const { code, message, argument, issues } = error;
  const status = STATUSES[code];
  if (status >= 500) {
    const isUnknown = error.outcome === 'unknown' || code === 'TIMELINE_ABORTED' || code === 'TIMELINE_OUTCOME_UNKNOWN';
    const detail = isUnknown ? 'the store gave no answer: the change may be stored' : 'the store cannot do this now';
    const lasting = status !== 503;
    return problem(code, lasting ? message : detail, !lasting && (!isUnknown || isRepeatable));
  }
  return {
    ...problem(code, message, error.retryable),
    ...(argument !== undefined && { argument }),
    ...(issues && { issues: issues.map(plainIssue) }),
  };
}

/** `true` if an operator has to know. */
export function isFault({ status }: Problem): boolean {
  return status >= 500;
}

export function problemResponse(body: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const retry: Record<string, string> = body.status === 503 ? { 'retry-after': '1' } : {};
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...retry, ...headers },
  });
}

function problem(code: Problem['code'], detail: string, retryable: boolean): Problem {
  const status = STATUSES[code];
  return { type: 'about:blank', title: TITLES[status] ?? '', status, detail, code, retryable };
}

function isFaultOfServer({ code, argument }: TimelineError): boolean {
  const isInvalid = code === 'TIMELINE_INVALID_ARGUMENT' || code === 'TIMELINE_TOO_LARGE';
  return isInvalid && argument !== undefined && OF_SERVER.test(argument);
}

function plainIssue({ message, path }: NonNullable<TimelineError['issues']>[number]): {
  readonly message: string;
  readonly path?: readonly string[];
} {
  if (!path) return { message };
  return { message, path: path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)) };
}
