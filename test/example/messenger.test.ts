import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundled } from '../support/bundled.js';

it('the messenger example shows each mode, and checks what it shows', async () => {
  const script = bundled(fileURLToPath(new URL('../../examples/messenger.ts', import.meta.url)));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect(stderr).toBe('');
  expect(stdout).toContain('copied to 3 inboxes (write diffusion)');
  expect(stdout).toContain('copied to 0 inboxes: members read it (read diffusion)');
  expect(stdout.match(/✓/g)).toHaveLength(4);
  expect(stdout).not.toContain('✗');
  expect(existsSync('messenger.db')).toBe(false);
});
