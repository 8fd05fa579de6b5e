import { type ChatErrorFacts, unavailable } from './chat-error.js';
import type { ChatOptions } from './types.js';

const FIRST_PAUSE_MS = 400;
/** Small, so that a client comes back within the 2 s for which a network may work between two cuts. */
const GROWTH = 1.3;

/** Pauses before repetitions: random, so that clients spread, up to a bound that grows with each attempt. */
export interface Backoff {
  /** Waits after an attempt that has failed, the first being 0. */
  pause(attempt: number, error: ChatErrorFacts | undefined): Promise<void>;
  /** The network works: ends the pauses of those that got no answer. Once the chat is closed, ends all. */
  wake(): void;
  /** Repeats a request until it succeeds. `undefined` if it is refused for good, or the chat is closed. */
  untilAnswered<T>(request: () => Promise<T>): Promise<T | undefined>;
}

export interface BackoffHost {
  readonly options: ChatOptions;
  readonly closed: AbortSignal;
  /** Reports an error that no call waits for. */
  fail(error: ChatErrorFacts): void;
}

export function createBackoff({ options, closed, fail }: BackoffHost): Backoff {
  const { random = Math.random, maxPauseMs = 5000 } = options;
  /** Ends of pauses, with the status of the refusal. */
  const waiting = new Map<() => void, number | undefined>();
  const pause: Backoff['pause'] = (attempt, error) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        waiting.delete(end);
        resolve();
      };
      const jitterMs = random() * Math.min(maxPauseMs, FIRST_PAUSE_MS * GROWTH ** attempt);
      const timer = setTimeout(end, (error?.pauseMs ?? 0) + jitterMs);
      waiting.set(end, error?.status);
    });
  return {
    pause,
    wake: () => {
      for (const [end, status] of waiting) if (!status || closed.aborted) end();
    },
    untilAnswered: async (request) => {
      for (let attempt = 0; !closed.aborted; attempt++) {
        try {
          return await request();
        } catch (failure) {
          const error = unavailable(failure);
          if (closed.aborted) break;
          fail(error);
          if (!error.retryable) break;
          await pause(attempt, error);
        }
      }
      return undefined;
    },
  };
}
