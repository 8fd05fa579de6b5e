/**
 * Checkpoints the write-ahead log on a thread of its own, so that copying pages and syncing never hold the event loop of
 * the program. It answers each request with what SQLite says; the control of the log decides what to ask for.
 */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

/** @typedef {{ driver: string, path: string }} CheckpointWorkerData the resolved file of better-sqlite3, and the database */
/** @typedef {{ mode: 'PASSIVE' | 'RESTART' | 'TRUNCATE', timeoutMs: number }} CheckpointRequest */
/** @typedef {{ busy: number, log: number, checkpointed: number } | { error: string }} CheckpointReply frames; busy: not all could be done */

const { driver, path } = /** @type {CheckpointWorkerData} */ (workerData);
const { default: Database } = await import(pathToFileURL(driver).href);
const database = new Database(path, { fileMustExist: true });

parentPort?.on('message', (/** @type {CheckpointRequest} */ { mode, timeoutMs }) => {
  parentPort?.postMessage(checkpoint(mode, timeoutMs));
});

/** @type {(mode: CheckpointRequest['mode'], timeoutMs: number) => CheckpointReply} */
function checkpoint(mode, timeoutMs) {
  try {
    database.pragma(`busy_timeout = ${timeoutMs}`);
    return database.pragma(`wal_checkpoint(${mode})`)[0];
  } catch (error) {
    return { error: String(error) };
  }
}
