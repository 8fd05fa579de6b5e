/** A test switch: one device hands over the next messages with a fault, so that the counter can be seen to tell. */

export type TestFault = 'lost' | 'repeated' | 'out-of-order';

type HandOver<T> = (entry: T) => void;

/** Passes entries on, with the one fault that was asked for. */
export class FaultyHandOver<T> {
  readonly #handOver: HandOver<T>;
  /** Called with an entry that is lost. */
  readonly #drop: HandOver<T>;
  #fault: TestFault | undefined;
  #held: T | undefined;

  constructor(handOver: HandOver<T>, drop: HandOver<T>) {
    this.#handOver = handOver;
    this.#drop = drop;
  }

  /** The next entry is lost or repeated, or the next two change places. */
  arm(fault: TestFault): void {
    this.#fault = fault;
  }

  pass(entry: T): void {
    const fault = this.#fault;
    if (fault === 'out-of-order') {
      if (this.#held === undefined) {
        this.#held = entry;
        return;
      }
      const held = this.#held;
      this.#held = undefined;
      this.#fault = undefined;
      this.#handOver(entry);
      this.#handOver(held);
      return;
    }
    this.#fault = undefined;
    if (fault === 'lost') {
      this.#drop(entry);
      return;
    }
    this.#handOver(entry);
    if (fault === 'repeated') this.#handOver(entry);
  }
}
