/**
 * Runs one test file of the SDK with as much of mocha as those files use, and prints one line of JSON per test.
 * `node run-file.js <file>`; where the emulator is comes from the environment, as the files expect it.
 */
import { createRequire } from 'node:module';

/**
 * @typedef {(this: { timeout(ms: number): void }, done?: (error?: unknown) => void) => unknown} Body
 * @typedef {{ title: string, body: Body, isTest: boolean }} Step
 */

const LONGEST_TEST_MS = 30_000;
const LONGEST_SLEEP_MS = 50;
const context = { timeout: () => {} };
/** @type {Step[]} */
const steps = [];
/** @type {string[]} */
const titles = [];

/** @type {(title: string, body: Body) => void} */
const it = (title, body) => {
  steps.push({ title: [...titles, title].join(' > '), body, isTest: true });
};
/** @type {(title: string, body: Body) => void} */
const describe = (title, body) => {
  titles.push(title);
  body.call(context);
  titles.pop();
};
/** @type {(body: Body) => void} */
const after = (body) => {
  steps.push({ title: [...titles, 'after'].join(' > '), body, isTest: false });
};
const wait = globalThis.setTimeout;
/** The files sleep for seconds, for a service far away. @type {(callback: () => void, ms?: number) => unknown} */
const sleepLess = (callback, ms = 0) => wait(callback, Math.min(ms, LONGEST_SLEEP_MS));
Object.assign(globalThis, { describe, it, after, setTimeout: sleepLess });

/** @type {(step: Step) => Promise<void>} */
function run({ body }) {
  return new Promise((resolve, reject) => {
    const timer = wait(() => reject(new Error(`no end after ${LONGEST_TEST_MS} ms`)), LONGEST_TEST_MS);
    /** @type {(error?: unknown) => void} */
    const done = (error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    // An error thrown in a callback has no promise to reject.
    process.removeAllListeners('uncaughtException').on('uncaughtException', done);
    if (body.length > 0) body.call(context, done);
    else Promise.resolve(body.call(context)).then(() => done(), done);
  });
}

const { log } = console;
console.log = () => {};
createRequire(import.meta.url)(process.argv[2] ?? '');
for (const step of steps) {
  const error = await run(step).then(() => undefined, String);
  // A step after the tests is no test; it is reported only if it fails.
  if (step.isTest || error !== undefined) log(JSON.stringify({ title: step.title, ok: error === undefined, error }));
}
process.exit(0);
