import type { Backoff } from './backoff.js';
import type { ChatError } from './chat-error.js';
import { unavailable } from './chat-error.js';
import type { Requests } from './requests.js';
import type { ChatOptions } from './types.js';

/** State and calls that all parts of a chat share. */
export interface Core {
  readonly options: ChatOptions;
  readonly requests: Requests;
  readonly backoff: Backoff;
  readonly closed: AbortSignal;
  /** Name of the user, once it is known. */
  readonly user: string | undefined;
  /** The server has the position: pages read from now on and what arrives leave no gap. */
  readonly isBegun: boolean;
  /** Reports an error that no call waits for. */
  fail(error: ChatError): void;
}

/** Repeats a request until it succeeds. `undefined` if it is refused for good, or the chat is closed. */
export async function untilAnswered<T>(core: Core, request: () => Promise<T>): Promise<T | undefined> {
  for (let attempt = 0; !core.closed.aborted; attempt++) {
    try {
      return await request();
    } catch (failure) {
      const error = unavailable(failure);
      if (core.closed.aborted) break;
      core.fail(error);
      if (!error.retryable) break;
      await core.backoff.wait(attempt, error.pauseMs);
    }
  }
  return undefined;
}
