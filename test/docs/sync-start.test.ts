import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bundled } from '../support/bundled.js';

const root = resolve(import.meta.dirname, '../..');
const script = join(root, 'examples/sync-start.ts');

describe('the start of the document on synchronisation', () => {
  it('is shown as it is run', () => {
    expect(readFileSync(join(root, 'docs/sync.md'), 'utf8')).toContain(
      `\`\`\`ts\n${readFileSync(script, 'utf8')}\`\`\``,
    );
  });

  it('runs, and running it again repeats nothing', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'timeline-sync-start-'));
    try {
      const run = () => promisify(execFile)(process.execPath, [bundled(script)], { cwd });
      expect((await run()).stdout).toBe('ann: lunch?\n');
      expect((await run()).stdout).toBe('');
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});
