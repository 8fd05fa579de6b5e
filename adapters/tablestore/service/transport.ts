import type { Call } from '../../../src/adapter.js';
import type { SdkCallback, TableStoreClient } from './client.js';
import { requestError, StoreError } from './errors.js';

/** A request without an answer is given up after this fraction of the budget, so that another attempt fits. */
const ATTEMPTS_PER_BUDGET = 3;

/**
 * Sends single requests through the user's client, at most `parallel` at once. Each has its own timeout, because the
 * SDK may wait for ever. After a timeout the agent's idle connections are closed too: they may be as dead as the one
 * that timed out.
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

  /** The budget of background work: `ms`, at most the adapter's `timeoutMs`, which is the default. */
  newCall(ms = this.#timeoutMs): Call {
    return { deadline: performance.now() + Math.min(ms, this.#timeoutMs) };
  }

  /** Makes one attempt. @throws StoreError */
  async send<Answer>(operation: keyof TableStoreClient, parameters: object, { deadline }: Call): Promise<Answer> {
    await this.#acquireSlot(deadline);
    try {
      const left = deadline - performance.now();
      if (left <= 0) throw notSent();
      return await this.#sendWithin(Math.min(left, this.#timeoutMs / ATTEMPTS_PER_BUDGET), operation, parameters);
    } catch (error) {
      throw requestError(error);
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  #acquireSlot(deadline: number): Promise<void> {
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

  #sendWithin<Answer>(ms: number, operation: keyof TableStoreClient, parameters: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new StoreError('ambiguous', `TableStore did not answer ${operation} within ${Math.round(ms)} ms`));
        abort();
        closeIdle(this.#client);
      }, ms);
      const abort = this.#start(operation, parameters, (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(answer as Answer);
      });
    });
  }

  /**
   * Returns the function that aborts the request. The SDK returns its request only if it gets a callback; a wrapped
   * client may support promises only.
   */
  #start(operation: keyof TableStoreClient, parameters: object, done: SdkCallback): () => void {
    let request: SdkRequest | undefined;
    const take = (returned: unknown) => {
      if (isRequest(returned)) request = returned;
      else done(undefined, returned);
    };
    const fail = (error: unknown) => done(error ?? new Error('no reason given'), undefined);
    try {
      const returned = this.#client[operation](parameters, done);
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
  return new StoreError('transient', 'TableStore was not asked in time: earlier requests had no answer');
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
