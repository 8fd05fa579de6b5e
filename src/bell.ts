/** Wakes one waiter. */
export class Bell {
  #answer: (() => void) | undefined;

  readonly ring = (): void => this.#answer?.();

  /** Resolves at the next ring, after `ms` milliseconds at the latest. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer?.(), ms);
      this.#answer = () => {
        clearTimeout(timer);
        this.#answer = undefined;
        resolve();
      };
    });
  }
}
