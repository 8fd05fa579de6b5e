import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { describe, expect, it } from 'vitest';
import { afterTest, tempFile } from './support.js';

const run = promisify(execFile);
const APP = fileURLToPath(new URL('./bundled-app.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/timeline-model', import.meta.url));
const DRIVER = 'better-sqlite3';

/** A folder from which the driver resolves. */
function outputFolder(): string {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'bundle-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function expectWorker(folder: string): Promise<void> {
  const [bundle, ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  // Started in another folder than the bundle's, as a service is.
  const { stdout } = await run(process.execPath, [join(folder, bundle!), tempFile()], { cwd: '/' });
  const { warnings, walBytes } = JSON.parse(stdout) as { warnings: string[]; walBytes: number };
  expect(warnings).toEqual([]);
  expect(walBytes).toBeLessThan(6 * 2 ** 20);
}

describe('the checkpoint worker runs from one file that was made by', () => {
  it.each([
    ['esm', false],
    ['cjs', false],
    ['esm', true],
    ['cjs', true],
  ] as const)('esbuild, %s, minified: %s', async (format, minify) => {
    const folder = outputFolder();
    const outfile = join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs');
    const options = { bundle: true, platform: 'node', target: 'node20', logLevel: 'silent' } as const;
    await esbuild({ ...options, entryPoints: [APP], outfile, format, minify, external: [DRIVER] });
    await expectWorker(folder);
  });

  it.each(['es', 'cjs'] as const)('vite for a server, %s', async (format) => {
    const folder = outputFolder();
    const entryFileNames = format === 'es' ? 'app.mjs' : 'app.cjs';
    const output = { format, entryFileNames, codeSplitting: false };
    await vite({
      configFile: false,
      logLevel: 'silent',
      ssr: { noExternal: true, external: [DRIVER] },
      build: { ssr: APP, outDir: folder, minify: true, rollupOptions: { external: [DRIVER], output } },
    });
    await expectWorker(folder);
  });
});
