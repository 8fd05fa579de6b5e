import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';
import { collect } from './collect.js';
import { NODE_TEST_LAWS } from './node-test-laws.js';

const FILE = fileURLToPath(new URL('./node-test-memory.ts', import.meta.url));

it('the kit runs unchanged under node:test, with the same tests', async () => {
  // With this variable of its own `node --test` would take vitest's worker for a runner that reads its reports.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--test', '--test-reporter=tap', bundled(FILE)];
  const run = promisify(execFile)(process.execPath, args, { env, maxBuffer: 32 * 1024 * 1024 });
  const { stdout, code }: { stdout: string; code?: number } = await run.catch(
    (error: { stdout: string; code: number }) => error,
  );
  expect({ code: code ?? 0, failed: stdout.match(/^ *not ok .*$/gm) ?? [] }).toEqual({ code: 0, failed: [] });
  const total = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1]);
  const expected = collect({
    create: () => memoryAdapter(),
    reopen: ({ name, open }) => ({ name, open }),
    ...NODE_TEST_LAWS,
  }).length;
  expect(expected).toBeGreaterThan(nightly ? 120 : 15);
  expect({ pass: total('pass'), fail: total('fail'), skipped: total('skipped') }).toEqual({
    pass: expected,
    fail: 0,
    skipped: 0,
  });
});
