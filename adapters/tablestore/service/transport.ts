import type { Call } from '../../../src/adapter.js';
import type { SdkCallback, TableStoreClient } from './client.js';
import { requestError, StoreError } from './errors.js';

/** An attempt without answer ends after this part of the budget, so that another one fits. */
const ATTEMPTS_OF_SILENCE = 3;

/**
 * Single requests by way of the user's client: bounded in number, and each with an end of its own, because the SDK may wait for ever.
 * Behind one that went without answer the idle connections of the client's agent are closed, as they may be as dead as its own.
 */
export class Transport {
  readonly #client: TableStoreClient;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(
    client: TableStoreClient,
    { timeoutMs, parallel }: { readonly timeoutMs: number; readonly parallel: number },
  ) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#free = parallel;
  }

  /** The call of work that nobody has asked for: a budget of its own. */
  newCall(ms = this.#timeoutMs): Call {
    return { deadline: performance.now() + Math.min(ms, this.#timeoutMs) };
  }

  /** One attempt. @throws StoreError */
  async send<Answer>(operation: keyof TableStoreClient, parameters: object, { deadline }: Call): Promise<Answer> {
    await this.#turn(deadline);
    try {
      const left = deadline - performance.now();
      if (left <= 0) throw notSent();
      return await this.#within(Math.min(left, this.#timeoutMs / ATTEMPTS_OF_SILENCE), operation, parameters);
    } catch (error) {
      throw requestError(error);
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  #turn(deadline: number): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#waiting.delete(begin);
          reject(notSent());
        },
        Math.max(0, deadline - performance.now()),
      );
      const begin = () => {
        clearTimeout(timer);
        this.#waiting.delete(begin);
        resolve();
      };
      this.#waiting.add(begin);
    });
  }

  #within<Answer>(ms: number, operation: keyof TableStoreClient, parameters: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new StoreError('ambiguous', `TableStore did not answer ${operation} within ${Math.round(ms)} ms`));
        abort();
        closeIdle(this.#client);
      }, ms);
      const abort = this.#ask(operation, parameters, (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(answer as Answer);
      });
    });
  }

  /**
   * Returns what ends the request. The SDK hands out its request only where it is given a callback; a client that somebody wrapped may
   * know promises only.
   */
  #ask(operation: keyof TableStoreClient, parameters: object, settle: SdkCallback): () => void {
    let request: SdkRequest | undefined;
    const take = (returned: unknown) => {
      if (isRequest(returned)) request = returned;
      else settle(undefined, returned);
    };
    const fail = (error: unknown) => settle(error ?? new Error('no reason given'), undefined);
    try {
      const returned = this.#client[operation](parameters, settle);
      if (isRequest(returned)) take(returned);
      else Promise.resolve(returned).then(take, fail);
    } catch (error) {
      fail(error);
    }
    return () => request?.httpRequest.stream?.destroy?.();
  }
}

interface SdkRequest {
  readonly httpRequest: { readonly stream?: { destroy?(): void } };
}

function isRequest(value: unknown): value is SdkRequest {
  return typeof value === 'object' && value !== null && 'httpRequest' in value && 'response' in value;
}

function notSent(): StoreError {
  return new StoreError('passing', 'TableStore was not asked in time: earlier requests had no answer');
}

function closeIdle(client: TableStoreClient): void {
  const { config } = client as {
    config?: { httpOptions?: { agent?: { freeSockets?: Readonly<Record<string, Iterable<Socket>>> } } };
  };
  for (const sockets of Object.values(config?.httpOptions?.agent?.freeSockets ?? {})) {
    for (const socket of [...sockets]) socket.destroy();
  }
}

interface Socket {
  destroy(): void;
}
