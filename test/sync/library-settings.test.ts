import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempFile } from '../sqlite/support.js';
import { bundled } from '../support/bundled.js';

const CHILD = fileURLToPath(new URL('./library-settings-child.ts', import.meta.url));

// In a process of its own: one that spins lets no timer of the test fire.
it.each([
  ['memory', () => 'memory'],
  ['sqlite', tempFile],
])(
  'a process sends although all messages have expired (%s)',
  async (_, where) => {
    const run = promisify(execFile)(process.execPath, [bundled(CHILD), where()], {
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    expect((await run).stdout.trim().split('\n')).toEqual(['one', 'two', 'three']);
  },
  30_000,
);
