import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { CheckpointReply, CheckpointRequest, CheckpointWorkerData } from './checkpoint-worker.js';

/** The worker thread that checkpoints, started at the first request. One request at a time. */
export class Checkpointer {
  private worker: Worker | undefined;
  private answer: ((reply: CheckpointReply) => void) | undefined;
  private dead: string | undefined;

  constructor(private readonly path: string) {}

  /**
   * Never rejects: a worker that cannot be started, or dies, answers `error`, and so do all later requests. An answer under
   * way keeps the process alive, as a write may be waiting for it; the worker alone does not.
   */
  ask(mode: CheckpointRequest['mode'], timeoutMs: number): Promise<CheckpointReply> {
    if (this.dead !== undefined) return Promise.resolve({ error: this.dead });
    return new Promise((resolve) => {
      this.answer = resolve;
      try {
        this.worker ??= this.start();
        this.worker.ref();
        this.worker.postMessage({ mode, timeoutMs } satisfies CheckpointRequest);
      } catch (error) {
        this.fail(String(error));
      }
    });
  }

  async end(): Promise<void> {
    this.dead ??= 'ended';
    await this.worker?.terminate();
  }

  private start(): Worker {
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
    const workerData: CheckpointWorkerData = { driver, path: this.path };
    const worker = new Worker(new URL('./checkpoint-worker.js', import.meta.url), { workerData, execArgv: [] });
    worker.on('message', (reply: CheckpointReply) => this.settle(reply));
    worker.on('error', (error) => this.fail(String(error)));
    worker.on('exit', (code) => this.fail(`it ended with exit code ${code}`));
    return worker;
  }

  private fail(reason: string): void {
    this.dead ??= reason;
    this.settle({ error: this.dead });
  }

  private settle(reply: CheckpointReply): void {
    const { answer } = this;
    this.answer = undefined;
    this.worker?.unref();
    answer?.(reply);
  }
}
