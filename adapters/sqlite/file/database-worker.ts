import { Worker } from 'node:worker_threads';
import { driverFile } from './driver.js';

/**
 * The program of the thread, as text: a file beside this one would be left behind by bundlers. It answers requests one by
 * one with rows, as arrays with `bigint` integers.
 */
const SOURCE = `
const { isUtf8 } = require('node:buffer');
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
let database;
const tasks = {
  exec: (sql) => void database.exec(sql),
  all: (sql, parameters) => database.prepare(sql).raw().safeIntegers().all(...parameters),
  backup: async (file) => void (await database.backup(file, { progress: () => 0x7fffffff })),
  defineIsUtf8: () => void database.function('is_utf8', { deterministic: true }, (bytes) => (isUtf8(bytes) ? 1 : 0)),
  close: () => void database.close(),
};
parentPort.on('message', async ([task, ...parameters]) => {
  try {
    database ??= new Database(workerData.path, workerData.options);
    parentPort.postMessage({ rows: await tasks[task](...parameters) });
  } catch (error) {
    parentPort.postMessage({ error: String(error && error.message), code: error && error.code });
  }
});
`;

export interface WorkerOptions {
  readonly readonly?: boolean;
  readonly fileMustExist?: boolean;
  readonly timeout?: number;
}

type Reply = { readonly rows: unknown[] } | { readonly error: string; readonly code?: string | undefined };

/** What SQLite answered on the thread; `code` as better-sqlite3's. */
export class WorkerSqliteError extends Error {
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** The thread does not run, or no longer. */
export class WorkerDied extends Error {}

/**
 * One database on a thread of its own, so that what takes SQLite long never holds the event loop. One request at a time. A
 * request under way keeps the process alive, as someone waits for it; the thread alone does not.
 */
export class DatabaseWorker {
  readonly #worker: Worker;
  #answer: ((reply: Reply | WorkerDied) => void) | undefined;
  #died: WorkerDied | undefined;

  constructor(path: string, options: WorkerOptions = {}, handle?: object) {
    const workerData = { driver: driverFile(handle), path, options };
    this.#worker = new Worker(SOURCE, { eval: true, workerData, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(String(error)));
    this.#worker.on('exit', (code) => this.#fail(`it ended with exit code ${code}`));
  }

  exec(sql: string): Promise<unknown> {
    return this.#ask('exec', sql);
  }

  all(sql: string, ...parameters: unknown[]): Promise<unknown[]> {
    return this.#ask('all', sql, parameters);
  }

  /** Copies the whole database, as it is at one moment, into a file. */
  backup(file: string): Promise<unknown> {
    return this.#ask('backup', file);
  }

  /** Lets SQL ask `is_utf8(blob)`. */
  defineIsUtf8(): Promise<unknown> {
    return this.#ask('defineIsUtf8');
  }

  /** Closes the database and ends the thread. */
  async end(): Promise<void> {
    if (!this.#died) await this.#ask('close').catch(() => {});
    await this.#worker.terminate();
  }

  async #ask(...request: unknown[]): Promise<unknown[]> {
    if (this.#died) throw this.#died;
    const reply = await new Promise<Reply | WorkerDied>((resolve) => {
      this.#answer = resolve;
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
    if (reply instanceof WorkerDied) throw reply;
    if ('error' in reply) throw new WorkerSqliteError(reply.error, reply.code);
    return reply.rows;
  }

  #fail(reason: string): void {
    this.#died ??= new WorkerDied(reason);
    this.#settle(this.#died);
  }

  #settle(reply: Reply | WorkerDied): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#worker.unref();
    answer?.(reply);
  }
}
