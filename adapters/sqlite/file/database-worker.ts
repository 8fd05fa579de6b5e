import { Worker } from 'node:worker_threads';
import { driverFile } from './driver.js';

/**
 * The program of the thread, as text, because bundlers would leave a file behind. It answers one request after another
 * with rows: arrays with integers as `bigint`.
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

/** An error of SQLite on the thread. `code` is that of better-sqlite3. */
export class WorkerSqliteError extends Error {
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** The thread could not start, or has ended. */
export class WorkerDied extends Error {}

/**
 * A database on its own thread, for work that takes SQLite long and would hold the event loop. Takes one request at a
 * time. A pending request keeps the process alive, the thread alone does not.
 */
export class DatabaseWorker {
  readonly #worker: Worker;
  #answer: ((reply: Reply | WorkerDied) => void) | undefined;
  #died: WorkerDied | undefined;

  constructor(path: string, options: WorkerOptions = {}, handle?: object) {
    const workerData = { driver: driverFile(handle), path, options };
    this.#worker = new Worker(SOURCE, { eval: true, workerData, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#deliver(reply));
    this.#worker.on('error', (error) => this.#fail(String(error)));
    this.#worker.on('exit', (code) => this.#fail(`it ended with exit code ${code}`));
  }

  exec(sql: string): Promise<unknown> {
    return this.#ask('exec', sql);
  }

  all(sql: string, ...parameters: unknown[]): Promise<unknown[]> {
    return this.#ask('all', sql, parameters);
  }

  /** Copies one snapshot of the whole database into a file. */
  backup(file: string): Promise<unknown> {
    return this.#ask('backup', file);
  }

  /** Adds the SQL function `is_utf8(blob)`. */
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
    this.#deliver(this.#died);
  }

  #deliver(reply: Reply | WorkerDied): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#worker.unref();
    answer?.(reply);
  }
}
