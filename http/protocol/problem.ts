import type { TimelineErrorCode } from '../../src/index.js';

/** Errors of the gateway itself. */
export type GatewayErrorCode =
  /** 401: no user. Get a token, then try again. */
  | 'GATEWAY_UNAUTHENTICATED'
  /** 403: the page's origin is none of those allowed. */
  | 'GATEWAY_ORIGIN_REFUSED'
  /** 404: no such route. */
  | 'GATEWAY_NO_ROUTE'
  /** 405: the route has other methods. */
  | 'GATEWAY_METHOD_NOT_ALLOWED'
  /** 415: the body is not `application/json`. */
  | 'GATEWAY_UNSUPPORTED_MEDIA_TYPE'
  /** 429: too many requests, sends or streams of the user. `Retry-After` says when to try again. */
  | 'GATEWAY_TOO_MANY_REQUESTS'
  /** 503: the server shuts down. */
  | 'GATEWAY_DRAINING'
  /** 500: a fault of the server. */
  | 'GATEWAY_INTERNAL';

/** Body of every answer from 400 on: RFC 9457 problem details. */
export interface Problem {
  /** Always `about:blank`: `code` tells more than the status. */
  readonly type: 'about:blank';
  /** Name of the status. */
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** Explanation for people. */
  readonly detail: string;
  /** Stable code to match on. */
  readonly code: TimelineErrorCode | GatewayErrorCode;
  /** The same request may succeed later. Send it with the same key. */
  readonly retryable: boolean;
  /** Name of the argument that was refused. */
  readonly argument?: string;
  /** Findings of the schema. */
  readonly issues?: readonly { readonly message: string; readonly path?: readonly string[] }[];
}
