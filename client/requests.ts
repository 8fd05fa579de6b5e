import { DEVICE_HEADER, type Problem } from '../http/protocol.js';
import { closedError, refusalOf, unavailable } from './chat-error.js';
import type { ChatOptions } from './types.js';

/** A request of the client. */
export interface RequestOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Requests with the user's token. After an answer 401 the token is asked for again, once for each request. */
export interface Requests {
  /** Address of the gateway. */
  readonly base: string;
  /** The token in use. */
  token(): Promise<string | undefined>;
  /** Has the next request ask for a token, unless another one has. */
  forgetToken(used: Promise<string | undefined>): void;
  /** Resolves with the answer's JSON. */
  json<T>(path: string, method?: string, body?: unknown): Promise<T>;
  /** Resolves with the response, unless it is a refusal. */
  open(path: string, request: RequestOptions): Promise<Response>;
}

export function createRequests(url: string, options: ChatOptions, closed: AbortSignal): Requests {
  const { device, token: given, fetch = globalThis.fetch, timeoutMs = 15_000 } = options;
  const base = url.replace(/\/+$/, '');
  let current: Promise<string | undefined> | undefined;

  const token = () => {
    current ??= (async () => (typeof given === 'function' ? given() : given))();
    current.catch(() => {
      current = undefined;
    });
    return current;
  };

  const forgetToken = (used: Promise<string | undefined>) => {
    if (current === used) current = undefined;
  };

  const open = async (path: string, request: RequestOptions, isAgain = false): Promise<Response> => {
    const { method = 'GET', body, headers, signal = null } = request;
    const used = token();
    const bearer = await used;
    const response = await fetch(base + path, {
      ...{ method, signal },
      headers: {
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(device && { [DEVICE_HEADER]: encodeURIComponent(device) }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { ok, status, statusText } = response;
    if (ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    if (status === 401) {
      forgetToken(used);
      if (!isAgain && typeof given === 'function') return open(path, request, true);
    }
    throw refusalOf({ ...problem, status }, statusText, 1000 * (Number(response.headers.get('retry-after')) || 0));
  };

  return {
    ...{ base, token, forgetToken, open },
    json: async (path, method, body) => {
      const signal = AbortSignal.any([closed, AbortSignal.timeout(timeoutMs)]);
      try {
        const response = await open(path, { ...(method && { method }), body, signal });
        const text = await response.text();
        return text ? JSON.parse(text) : undefined;
      } catch (error) {
        throw closed.aborted ? closedError() : unavailable(error);
      }
    },
  };
}
