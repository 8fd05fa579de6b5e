import type { RedisClient } from './client.js';

/** Ticks without anything outstanding after which the timer rests. */
const IDLE_TICKS = 20;

/** A command that was sent and is not answered. */
export interface Sent {
  /** The connection, or the node of a Cluster, that it went to. */
  readonly to: RedisClient | string;
  readonly key: string;
  readonly deadline: number;
  readonly sentAt: number;
  /** It may be answered late without anything being wrong, such as WAIT. */
  readonly patient: boolean;
  reject(error: Error): void;
}

/** What is to be sent: its first key decides the node of a Cluster. */
export interface Sending {
  readonly key: string;
  readonly deadline: number;
  readonly patient?: boolean;
}

interface Waiting {
  readonly deadline: number;
  resolve(): void;
  reject(error: Error): void;
}

/** The deadline passed before there was an answer, or anything to send to. */
export class Overdue extends Error {}

/**
 * What calls wait for: answers, or a connection to send by. One timer for all of them ends each by its deadline, since
 * a timer of its own for each command would cost more than the command.
 */
export class Outstanding {
  answers = 0;
  readonly #sent = new Set<Sent>();
  readonly #waiting = new Set<Waiting>();
  readonly #tickMs: number;
  readonly #look: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #now = performance.now();
  #idle = 0;
  #wasLate = false;

  constructor(budgetMs: number, look: (now: number) => void) {
    this.#tickMs = Math.min(50, Math.max(5, budgetMs / 40));
    this.#look = look;
  }

  get sent(): ReadonlySet<Sent> {
    return this.#sent;
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  track(to: Sent['to'], { key, deadline, patient = false }: Sending, run: () => Promise<unknown>): Promise<unknown> {
    this.#start();
    return new Promise((resolve, reject) => {
      const sent: Sent = { to, key, deadline, sentAt: this.#now, patient, reject };
      this.#sent.add(sent);
      const end = (settle: (value: never) => void) => (value: unknown) => {
        this.answers++;
        this.#sent.delete(sent);
        settle(value as never);
      };
      run().then(end(resolve), end(reject));
    });
  }

  wait(deadline: number): Promise<void> {
    this.#start();
    return new Promise((resolve, reject) => {
      this.#waiting.add({ deadline, resolve, reject });
    });
  }

  /** There is a connection again. */
  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve();
  }

  /** There will be none soon. */
  refuse(error: Error): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** What was sent there will not be answered. */
  lose(to: Sent['to'], error: Error): void {
    for (const sent of this.#sent) {
      if (sent.to !== to) continue;
      this.#sent.delete(sent);
      sent.reject(error);
    }
  }

  stop(error: Error): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.refuse(error);
    for (const sent of this.#sent) sent.reject(error);
    this.#sent.clear();
  }

  #start(): void {
    this.#idle = 0;
    if (this.#timer) return;
    this.#now = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  #tick(): void {
    const now = performance.now();
    const isLate = now - this.#now > 3 * this.#tickMs && !this.#wasLate;
    this.#now = now;
    this.#wasLate = isLate;
    // After a pause of the whole process, answers may lie in the sockets: they are read before the next tick.
    if (isLate) return;
    this.#look(now);
    const overdue = new Overdue('no answer');
    for (const each of [...this.#waiting, ...this.#sent]) if (each.deadline <= now) this.#end(each, overdue);
    if (this.#sent.size + this.#waiting.size > 0) this.#idle = 0;
    else if (++this.#idle > IDLE_TICKS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #end(each: Waiting | Sent, error: Error): void {
    this.#waiting.delete(each as Waiting);
    this.#sent.delete(each as Sent);
    each.reject(error);
  }
}
