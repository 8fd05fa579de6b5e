import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { on, once } from 'node:events';
import { onTestFinished } from 'vitest';
import { bundled } from './bundled.js';

/** Runs a TypeScript file of the tests as a process of its own, which is killed at the end of the test. */
export class TestProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #messages: AsyncIterator<unknown[]>;

  constructor(script: string, args: readonly string[]) {
    this.#child = fork(bundled(script), args, { execArgv: ['--no-deprecation'] });
    this.#exited = once(this.#child, 'exit');
    this.#messages = on(this.#child, 'message', { close: ['disconnect'] }) as AsyncIterator<unknown[]>;
    onTestFinished(() => this.kill());
  }

  send(message: Serializable): void {
    this.#child.send(message);
  }

  /** Resolves with its next message. Rejects if it ends without one. */
  async next(): Promise<unknown> {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error('the process ended');
    return (value as unknown[])[0];
  }

  /** SIGKILL, for which the process has no answer; resolves once it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
