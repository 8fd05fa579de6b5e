import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, root } from '../package/pack.js';
import { nightly } from '../support/nightly.js';
import { until } from '../support/until.js';
import { afterTest, tempFile } from './support.js';

const run = promisify(execFile);

const APP = `
import { statSync } from 'node:fs';
import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
export async function run(path) {
  const warnings = [];
  const adapter = sqliteAdapter(path, { synchronous: 'normal', walSoftBytes: 2 ** 20 });
  const store = await openTimelineStore({ adapter, name: 'test', onWarning: ({ code }) => warnings.push(code) });
  for (let i = 0; i < 20; i++) await store.timeline('a').appendMany(Array(500).fill('x'.repeat(1000)));
  const walBytes = statSync(path + '-wal').size;
  await store.close();
  return { warnings, walBytes };
}
`;
const MAIN = `import { run } from './app.mjs';
run(process.argv[2]).then((result) => console.log(JSON.stringify(result)));
`;
const WEBPACK = `
const webpack = require('webpack');
const external = { 'better-sqlite3': 'commonjs better-sqlite3' };
const output = { path: __dirname + '/out', filename: 'app.cjs' };
webpack({ mode: 'production', target: 'node20', entry: './main.mjs', output, externals: external }, (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
});
`;
const ROUTE = `
import { run } from '../app.mjs';
export const dynamic = 'force-dynamic';
export const GET = async () => Response.json(await run(process.env.DATABASE_FILE));
`;
const LAYOUT = 'export default ({ children }) => <html><body>{children}</body></html>;\n';

function expectWorker(answer: string): void {
  const { warnings, walBytes } = JSON.parse(answer) as { warnings: string[]; walBytes: number };
  expect(warnings).toEqual([]);
  expect(walBytes).toBeLessThan(6 * 2 ** 20);
}

/** Bundlers that are no dependency of this project, installed from the registry. */
describe.runIf(nightly)('the checkpoint worker of the packed package runs from a bundle of', () => {
  let folder: string;
  let tarball: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'timeline-bundles-'));
    tarball = pack(folder);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function project(name: string, packages: readonly string[]): Promise<string> {
    const cwd = join(folder, name);
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...packages], { cwd });
    // Next resolves no package from outside its folder.
    for (const driver of ['better-sqlite3', 'bindings', 'file-uri-to-path']) {
      cpSync(join(root, 'node_modules', driver), join(cwd, 'node_modules', driver), {
        recursive: true,
        dereference: true,
      });
    }
    return cwd;
  }

  it('webpack', async () => {
    const cwd = await project('webpack', ['webpack@5']);
    for (const [name, text] of Object.entries({ 'app.mjs': APP, 'main.mjs': MAIN, 'build.cjs': WEBPACK }))
      writeFileSync(join(cwd, name), text);
    await run(process.execPath, ['build.cjs'], { cwd });
    expectWorker((await run(process.execPath, [join(cwd, 'out/app.cjs'), tempFile()], { cwd: '/' })).stdout);
  }, 300_000);

  it.each(['--webpack', '--turbopack'])(
    'Next, %s',
    async (bundler) => {
      const cwd = await project(`next${bundler}`, ['next@16', 'react', 'react-dom']);
      mkdirSync(join(cwd, 'app/run'), { recursive: true });
      for (const [name, text] of Object.entries({
        'app/layout.js': LAYOUT,
        'app/app.mjs': APP,
        'app/run/route.js': ROUTE,
      }))
        writeFileSync(join(cwd, name), text);
      const next = join(cwd, 'node_modules/next/dist/bin/next');
      const env = {
        ...process.env,
        NEXT_TELEMETRY_DISABLED: '1',
        NODE_ENV: 'production' as const,
        DATABASE_FILE: tempFile(),
      };
      await run(process.execPath, [next, 'build', bundler], { cwd, env });
      const port = 20_000 + Math.floor(Math.random() * 20_000);
      const server = spawn(process.execPath, [next, 'start', '-p', String(port)], { cwd, env, stdio: 'ignore' });
      afterTest(() => server.kill());
      let answer = '';
      await until('the server answers', async () => {
        answer = await fetch(`http://127.0.0.1:${port}/run`)
          .then((response) => response.text())
          .catch(() => '');
        return answer !== '';
      });
      expectWorker(answer);
    },
    400_000,
  );
});
