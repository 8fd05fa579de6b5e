import type { RedisClient } from './client.js';

/** Ticks without anything pending after which the timer stops. */
const IDLE_TICKS = 20;

export interface CommandOptions {
  /** Decides the node of a Cluster. */
  readonly key: string;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** The answer may take until the deadline without anything being wrong, as that of WAIT does. */
  readonly isSlow?: boolean;
}

/** A command that was sent and has no answer yet. */
export interface PendingCommand {
  /** The connection, or the name of the Cluster node, that it went to. */
  readonly sentTo: RedisClient | string;
  readonly key: string;
  readonly deadline: number;
  readonly sentAt: number;
  readonly isSlow: boolean;
  reject(error: Error): void;
}

interface WaitingCall {
  readonly deadline: number;
  resolve(): void;
  reject(error: Error): void;
}

/** The deadline passed before there was an answer or a connection. */
export class DeadlineExceeded extends Error {}

/**
 * The commands that wait for an answer and the calls that wait for a connection. One timer ends each by its deadline: a
 * timer of its own for each command would cost more than the command.
 */
export class PendingCommands {
  answers = 0;
  readonly #sent = new Set<PendingCommand>();
  readonly #waiting = new Set<WaitingCall>();
  readonly #tickMs: number;
  readonly #onTick: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #now = performance.now();
  #idleTicks = 0;
  #wasLate = false;

  constructor(budgetMs: number, onTick: (now: number) => void) {
    this.#tickMs = Math.min(50, Math.max(5, budgetMs / 40));
    this.#onTick = onTick;
  }

  get sent(): ReadonlySet<PendingCommand> {
    return this.#sent;
  }

  /** Calls wait for a connection. */
  get isConnectionAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Sends by `run`, and rejects by the deadline even if that never ends. */
  track(
    sentTo: PendingCommand['sentTo'],
    { key, deadline, isSlow = false }: CommandOptions,
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    this.#startTimer();
    return new Promise((resolve, reject) => {
      const command: PendingCommand = { sentTo, key, deadline, sentAt: this.#now, isSlow, reject };
      this.#sent.add(command);
      const end = (complete: (value: never) => void) => (value: unknown) => {
        this.answers++;
        this.#sent.delete(command);
        complete(value as never);
      };
      run().then(end(resolve), end(reject));
    });
  }

  waitForConnection(deadline: number): Promise<void> {
    this.#startTimer();
    return new Promise((resolve, reject) => {
      this.#waiting.add({ deadline, resolve, reject });
    });
  }

  /** Resolves the calls that wait for a connection. */
  resolveWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve();
  }

  /** Rejects the calls that wait for a connection: there will be none soon. */
  rejectWaiting(error: Error): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** Rejects the commands that were sent there: no answer will come. */
  rejectSentTo(sentTo: PendingCommand['sentTo'], error: Error): void {
    for (const command of this.#sent) {
      if (command.sentTo !== sentTo) continue;
      this.#sent.delete(command);
      command.reject(error);
    }
  }

  stop(error: Error): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.rejectWaiting(error);
    for (const command of this.#sent) command.reject(error);
    this.#sent.clear();
  }

  #startTimer(): void {
    this.#idleTicks = 0;
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
    this.#onTick(now);
    const error = new DeadlineExceeded('no answer');
    for (const each of [...this.#waiting, ...this.#sent]) if (each.deadline <= now) this.#reject(each, error);
    if (this.#sent.size + this.#waiting.size > 0) this.#idleTicks = 0;
    else if (++this.#idleTicks > IDLE_TICKS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #reject(each: WaitingCall | PendingCommand, error: Error): void {
    this.#waiting.delete(each as WaitingCall);
    this.#sent.delete(each as PendingCommand);
    each.reject(error);
  }
}

/** True if an answer should have come within `silenceMs`. A slow command holds up all answers behind its own. */
export function isAnswerDue(sent: Iterable<PendingCommand>, now: number, silenceMs: number): boolean {
  let isDue = false;
  for (const { sentAt, deadline, isSlow } of sent) {
    if (isSlow && deadline > now) return false;
    isDue ||= sentAt + silenceMs <= now;
  }
  return isDue;
}
