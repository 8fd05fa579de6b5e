import { onAbort, throwIfAborted } from '../../src/toolkit/index.js';

/**
 * Runs a check before each message, and starts the messages of a conversation in the order of the calls, however long
 * their checks take. Checks run side by side. A message whose check fails, or whose call is aborted, delays no other.
 */
export class OrderedChecks {
  /** Of each conversation: resolves once every message so far has started or failed. */
  readonly #tails = new Map<string, Promise<void>>();

  /** `true` while a message of the conversation has not started: a later one has to wait, checked or not. */
  isBusy(conversation: string): boolean {
    return this.#tails.has(conversation);
  }

  /** `start` gets what the check resolves with. */
  async run<T, R>(
    conversation: string,
    check: () => Promise<T>,
    start: (checked: T) => Promise<R>,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    const before = this.#tails.get(conversation);
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const tail = Promise.all([ended, before]).then(() => {
      if (this.#tails.get(conversation) === tail) this.#tails.delete(conversation);
    });
    this.#tails.set(conversation, tail);
    try {
      const [checked] = await unlessAborted(Promise.all([check(), before]), signal);
      return start(checked);
    } finally {
      end();
    }
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const cancel = onAbort(signal, () => {
      try {
        throwIfAborted(signal);
      } catch (error) {
        reject(error);
      }
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
