import type { Backoff } from './backoff.js';
import { type ChatError, unavailable } from './chat-error.js';
import type { Requests } from './requests.js';
import type { ChatOptions } from './types.js';

/**
 * State and calls that all parts of a chat share. Parts that are loaded on demand import no other module of the client:
 * it would become a file of its own, with a request of its own.
 */
export interface Core extends Backoff, Requests {
  readonly options: ChatOptions;
  readonly closed: AbortSignal;
  /** Name of the user, once it is known. */
  readonly user: string | undefined;
  /** The server has the position: pages read from now on and what arrives leave no gap. */
  readonly isBegun: boolean;
  /** Reports an error that no call waits for. */
  fail(error: ChatError): void;
  /** Repeats a request until it succeeds. `undefined` if it is refused for good, or the chat is closed. */
  untilAnswered<T>(request: () => Promise<T>): Promise<T | undefined>;
}

export async function untilAnswered<T>(
  { closed, fail, pause }: Pick<Core, 'closed' | 'fail' | 'pause'>,
  request: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; !closed.aborted; attempt++) {
    try {
      return await request();
    } catch (failure) {
      const error = unavailable(failure);
      if (closed.aborted) break;
      fail(error);
      if (!error.retryable) break;
      await pause(attempt, error.pauseMs);
    }
  }
  return undefined;
}
