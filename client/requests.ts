import { DEVICE_HEADER, type Problem } from '../http/protocol.js';
import type { BackoffHost } from './backoff.js';
import { ChatError, closedError, unavailable } from './chat-error.js';

/** Requests with the user's token. After an answer 401 the token is asked for again, once for each request. */
export interface Requests {
  /** Address of the gateway. */
  readonly base: string;
  /** The token in use. */
  token(): Promise<string | undefined>;
  /** Has the next request ask for a token, unless another one has. */
  forgetToken(used: Promise<string | undefined>): void;
  /** Resolves with the response, unless it is a refusal. */
  open(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response>;
  /** Resolves with the answer's JSON; `null` for none. */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The same for a route of a conversation. */
  ask<T>(method: string, conversation: string, route: string, body?: unknown): Promise<T>;
}

export function createRequests(url: string, host: BackoffHost & { wake(): void }): Requests {
  const { closed, options } = host;
  const { device, token: given, fetch = globalThis.fetch, timeoutMs = 15_000 } = options;
  const base = url.replace(/\/+$/, '');
  let current: Promise<string | undefined> | undefined;

  const forgetToken = (used: Promise<string | undefined>) => {
    if (current === used) current = undefined;
  };

  const token = () => {
    current ??= (async () => (typeof given === 'function' ? given() : given))();
    const used = current;
    used.catch(() => forgetToken(used));
    return used;
  };

  const open = async (
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
    isAgain = false,
  ): Promise<Response> => {
    const used = token();
    const bearer = await used;
    const response = await fetch(base + path, {
      ...{ method, signal, body: JSON.stringify(body) },
      headers: {
        'content-type': 'application/json',
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(device && { [DEVICE_HEADER]: encodeURIComponent(device) }),
      },
    });
    host.wake();
    const { ok, status, headers } = response;
    if (ok) return response;
    if (status === 401 && !isAgain) {
      forgetToken(used);
      return open(method, path, body, signal, true);
    }
    const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
    throw new ChatError({ ...problem, status, pauseMs: 1000 * (Number(headers.get('retry-after')) || 0) });
  };

  const request: Requests['request'] = async (method, path, body) => {
    try {
      const response = await open(method, path, body, AbortSignal.any([closed, AbortSignal.timeout(timeoutMs)]));
      return JSON.parse((await response.text()) || 'null');
    } catch (error) {
      throw closed.aborted ? closedError() : unavailable(error);
    }
  };

  return {
    ...{ base, token, forgetToken, open, request },
    ask: (method, conversation, route, body) =>
      request(method, `/conversations/${encodeURIComponent(conversation)}${route}`, body),
  };
}
