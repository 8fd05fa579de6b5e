/** Starts, kills and restarts the chat server's process. */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { ServerState } from '../shared/status.js';
import type { Place } from './backends/place.js';
import type { ChatServerMessage } from './child-messages.js';

export class ChatProcess extends EventEmitter<{ change: [] }> {
  readonly #file: string;
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #state: ServerState = 'down';
  #port: number | undefined;
  #downSince = Date.now();
  #ended = '';

  constructor(file: string, place: Place) {
    super();
    this.#file = file;
    this.#place = place;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Port on 127.0.0.1; `undefined` unless the server is up. */
  get port(): number | undefined {
    return this.#state === 'up' ? this.#port : undefined;
  }

  get downSince(): number {
    return this.#downSince;
  }

  /** Name of the signal that ended the last process, or its exit code. */
  get ended(): string {
    return this.#ended;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves once the server takes requests. Rejects if the process ends before. Does nothing while it is up. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = fork(this.#file, [JSON.stringify(this.#place)]);
    this.#child = child;
    this.#to('starting');
    child.once('exit', (code, signal) => {
      this.#child = undefined;
      this.#downSince = Date.now();
      this.#ended = signal ?? String(code);
      this.#to('down');
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error('The chat server ended while it started.')));
      child.once('message', ({ port }: ChatServerMessage) => {
        this.#port = port;
        this.#to('up');
        resolve();
      });
    });
  }

  /** Ends the process at once, without a word to it. Resolves once it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Lets the process finish what it does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  #to(state: ServerState): void {
    this.#state = state;
    this.emit('change');
  }
}
