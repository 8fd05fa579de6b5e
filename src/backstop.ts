import { Fifo } from './fifo.js';

interface Waiting {
  readonly deadline: number;
  readonly late: () => void;
  isDone: boolean;
}

/**
 * Law Budget: ends calls that are still open at their deadline. All calls of a store have the same budget, so their
 * deadlines come in order and one timer serves them; a timer per call would cost as much as a small read.
 */
export class Backstop {
  readonly #waiting = new Fifo<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #underWay = 0;

  /**
   * Resolves like `run`, or rejects with `late()` at the deadline (`performance.now()`) and ignores the later result.
   */
  bound<T>(deadline: number, late: () => Error, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { deadline, late: () => reject(late()), isDone: false };
      this.#add(waiting);
      const end = () => {
        if (waiting.isDone) return;
        waiting.isDone = true;
        if (--this.#underWay === 0) this.#timer?.unref();
      };
      run().then(
        (value) => {
          end();
          resolve(value);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
  }

  /** Keeps the process alive only while a call is open. */
  #add(waiting: Waiting): void {
    this.#forgetDone();
    this.#waiting.push(waiting);
    if (!this.#timer) this.#arm(waiting.deadline);
    else if (this.#underWay === 0) this.#timer.ref();
    this.#underWay++;
  }

  #arm(deadline: number): void {
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, deadline - performance.now()));
    if (this.#underWay === 0) this.#timer.unref();
  }

  #ring(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let head = this.#waiting.peek(); head; head = this.#waiting.peek()) {
      if (!head.isDone && head.deadline > now) break;
      this.#waiting.shift();
      if (head.isDone) continue;
      head.isDone = true;
      this.#underWay--;
      head.late();
    }
    const next = this.#waiting.peek();
    if (next) this.#arm(next.deadline);
  }

  #forgetDone(): void {
    while (this.#waiting.peek()?.isDone) this.#waiting.shift();
  }
}
