import type { ChatOptions } from './types.js';

const FIRST_PAUSE_MS = 400;

/** Pauses before repetitions: random, so that clients spread, up to a bound that doubles with each attempt. */
export interface Backoff {
  /** Waits after an attempt, the first being 0. `leastMs` is what the server asks for. */
  pause(attempt: number, leastMs?: number): Promise<void>;
  /** Ends all pauses: something has changed for the better, or the client is closed. */
  wake(): void;
}

export function createBackoff({ random = Math.random, maxPauseMs = 15_000 }: ChatOptions): Backoff {
  const waiting = new Set<() => void>();
  return {
    pause: (attempt, leastMs = 0) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leastMs + random() * Math.min(maxPauseMs, FIRST_PAUSE_MS * 2 ** attempt));
        waiting.add(wake);
      }),
    wake: () => {
      for (const wake of waiting) wake();
    },
  };
}
