import { DEVICE_HEADER, type Problem } from '../http/protocol.js';
import { ChatError, closedError, unavailable } from './chat-error.js';
import type { ChatOptions } from './types.js';

/** A request of the client. */
export interface RequestOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Statuses after which the same request may succeed, also where a proxy answers. */
const PASSING = [401, 408, 429, 502, 503, 504];

/** Requests with the user's token. After an answer 401 the token is asked for again, once for each request. */
export class Requests {
  readonly base: string;
  readonly #options: ChatOptions;
  readonly #closed: AbortSignal;
  #token: Promise<string | undefined> | undefined;

  constructor(url: string, options: ChatOptions, closed: AbortSignal) {
    this.base = url.replace(/\/+$/, '');
    this.#options = options;
    this.#closed = closed;
  }

  /** The token in use. */
  token(): Promise<string | undefined> {
    this.#token ??= this.#ask();
    return this.#token;
  }

  /** Has the next request ask for a token, unless another one has. */
  forgetToken(used: Promise<string | undefined>): void {
    if (this.#token === used) this.#token = undefined;
  }

  /** Resolves with the answer's JSON. */
  async json<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
    const signal = AbortSignal.any([this.#closed, AbortSignal.timeout(this.#options.timeoutMs ?? 15_000)]);
    try {
      const response = await this.open(path, { method, body, signal });
      const text = await response.text();
      return (text ? JSON.parse(text) : undefined) as T;
    } catch (error) {
      throw this.#closed.aborted ? closedError() : unavailable(error);
    }
  }

  /** Resolves with the response, unless it is a refusal. */
  async open(path: string, request: RequestOptions, isAgain = false): Promise<Response> {
    const { device, token, fetch = globalThis.fetch } = this.#options;
    const { method = 'GET', body, headers, signal = null } = request;
    const used = this.token();
    const bearer = await used;
    const response = await fetch(this.base + path, {
      ...{ method, signal },
      headers: {
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(device && { [DEVICE_HEADER]: encodeURIComponent(device) }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { ok, status } = response;
    if (ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    if (status === 401) {
      this.forgetToken(used);
      if (!isAgain && typeof token === 'function') return this.open(path, request, true);
    }
    throw new ChatError(
      problem.code ?? `HTTP_${status}`,
      problem.detail ?? response.statusText,
      status,
      problem.retryable || PASSING.includes(status),
      1000 * (Number(response.headers.get('retry-after')) || 0),
    );
  }

  async #ask(): Promise<string | undefined> {
    const { token } = this.#options;
    try {
      return await (typeof token === 'function' ? token() : token);
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}
