import { isTimelineError } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import type { Device } from '../../sync/index.js';

const FAILURE_PAUSE_MS = 1000;

/** Stores acknowledgements of one connection, one after the other, of those that come meanwhile only the newest. */
export class AckWriter {
  readonly #device: Pick<Device<unknown>, 'ack'>;
  readonly #leastMs: number;
  readonly #onRefused: (error: unknown) => void;
  readonly #closing = new AbortController();
  #newest: string | undefined;
  #writing: Promise<void> | undefined;

  /** `onRefused` gets the error of a cursor that is not accepted. */
  constructor(device: Pick<Device<unknown>, 'ack'>, leastMs: number, onRefused: (error: unknown) => void) {
    this.#device = device;
    this.#leastMs = leastMs;
    this.#onRefused = onRefused;
  }

  add(cursor: string): void {
    this.#newest = cursor;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Stores the newest one without waiting. A failure only makes messages come again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#newest !== undefined) {
      const cursor = this.#newest;
      this.#newest = undefined;
      let pauseMs = this.#leastMs;
      try {
        await this.#device.ack(cursor);
      } catch (error) {
        if (!isTimelineError(error) || !error.retryable) return this.#onRefused(error);
        if (this.#closing.signal.aborted) return;
        this.#newest ??= cursor;
        pauseMs = FAILURE_PAUSE_MS;
      }
      await pause(pauseMs, { signal: this.#closing.signal });
    }
  }
}
