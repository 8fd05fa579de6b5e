import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { bundled } from '../../test/support/bundled.js';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

interface Answer {
  readonly id: number;
  readonly answer: unknown;
}

/** Time for an orderly end, in milliseconds. */
const END_MS = 30_000;

/** A program of this folder as a process of its own. It says `ready` with a value, then answers questions. */
export class Child<Ready, Question extends object> {
  readonly ready: Ready;
  readonly #child: ChildProcess;
  #lastId = 0;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start<Ready, Question extends object>(
    script: string,
    argument: object,
    execArgv: readonly string[] = [],
  ): Promise<Child<Ready, Question>> {
    const child = fork(bundled(script), [JSON.stringify(argument)], { execArgv: ['--no-deprecation', ...execArgv] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const ready = await new Promise<Ready>((resolve, reject) => {
      child.once('message', (message) => resolve(message as Ready));
      child.once('exit', (code, signal) => reject(new Error(`${script} ended as it started: ${signal ?? code}`)));
    });
    return new Child(child, ready);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  ask<T>(question: Question): Promise<T> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const listen = (message: unknown) => {
        if ((message as Answer).id !== id) return;
        forget();
        resolve((message as Answer).answer as T);
      };
      const fail = (code: number | null, signal: string | null) => {
        forget();
        reject(new Error(`a process ended before it answered: ${signal ?? code}`));
      };
      const forget = () => {
        this.#child.off('message', listen);
        this.#child.off('exit', fail);
      };
      this.#child.on('message', listen);
      this.#child.on('exit', fail);
      this.#child.send({ id, question });
    });
  }

  /** Resolves once it is gone. SIGTERM lets it finish; `false` if it did not in time, and was killed. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
    if (!this.isRunning) return true;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#child.kill('SIGKILL');
    }, END_MS);
    await exited;
    clearTimeout(late);
    return !isLate;
  }
}
