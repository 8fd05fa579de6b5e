import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import { installInto, linkPackages, pack, root } from './pack.js';

const run = promisify(execFile);
const windows = process.platform === 'win32';
/** Runs a script of the consumer. CommonJS ends quietly if its event loop runs dry: its last line proves success. */
async function runToTheEnd(script: string, cwd: string, ...args: readonly string[]): Promise<void> {
  const { stdout } = await run(process.execPath, [script, ...args], { cwd });
  expect(stdout).toBe('done\n');
}
const tool = (path: string, args: readonly string[], cwd: string) =>
  run(process.execPath, [join(root, 'node_modules', path), ...args], { cwd });

/** As ESM and as CommonJS. */
async function compile(name: string, cwd: string, environment: readonly string[]): Promise<void> {
  const sources = [`${name}.mts`, `${name}.cts`];
  for (const source of sources) copyFileSync(join(cwd, `${name}.ts`), join(cwd, source));
  const flags = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2022', '--module', 'nodenext'];
  await tool('typescript/bin/tsc', [...flags, ...environment, ...sources], cwd).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

let folder: string;
let tarball: string;
let project: string;
let bareProject: string;
let installed: string;

beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'timeline-model-package-'));
  tarball = pack(folder);
  // A name that is no valid piece of a URL, as folders of people have them.
  project = join(folder, 'my project #1 100%');
  installed = installInto(project, tarball, ['better-sqlite3', 'ioredis', 'ioredis5', 'tablestore', '@types/node']);
  bareProject = join(folder, 'bare');
  installInto(bareProject, tarball, []);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filesOf = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(installed.length + 1)
        .replaceAll('\\', '/'),
    );

/** The files given and all that they import, require or spawn. */
function reachableFrom(files: readonly string[]): Set<string> {
  const reached = new Set(files);
  for (const file of reached) {
    for (const [, name] of readFileSync(join(installed, file), 'utf8').matchAll(/["']\.\/([\w.-]+)["']/g)) {
      const target = file.includes('.d.') ? name!.replace(/\.(c?)js$/, '.d.$1ts') : name!;
      if (existsSync(join(installed, 'dist', target))) reached.add(`dist/${target}`);
    }
  }
  return reached;
}

/** The demo's page, which its server reads. */
const PAGE = /^dist\/demo-page\/(?:index\.html|page\.css|page\.js|sample\.txt)$/;

describe('the tarball', () => {
  it('holds the build, the documents and nothing else', () => {
    const files = filesOf(installed);
    expect(files).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md']));
    const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    expect(files).toEqual(expect.arrayContaining(documents.map((name) => `docs/${name.replaceAll('\\', '/')}`)));
    const expected = /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md|docs\/.+)$/;
    const built = /^dist\/[\w-]+(?:\.c?js(?:\.map)?|(?:\.d-[\w-]+)?\.d\.c?ts)$/;
    expect(files.filter((file) => ![expected, built, PAGE].some((known) => known.test(file)))).toEqual([]);
  });

  it('is small, and the core alone is smaller', () => {
    const kib = (bytes: number) => Math.round(bytes / 1024);
    const core = [...reachableFrom(['dist/index.js'])].reduce(
      (sum, file) => sum + statSync(join(installed, file)).size,
      0,
    );
    const whole = statSync(tarball).size;
    console.log(
      `tarball: ${kib(whole)} KiB, ${filesOf(installed).length} files; import 'timeline-model' loads ${kib(core)} KiB`,
    );
    expect(kib(whole)).toBeLessThan(1536);
    expect(kib(core)).toBeLessThan(144);
  });

  it('has every file that exports and bin name, and no file in dist that nothing leads to', () => {
    const { exports, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const named = [...JSON.stringify({ exports, bin }).matchAll(/"\.\/(dist\/[^"]+)"/g)].map(([, file]) => file!);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((file) => !existsSync(join(installed, file)))).toEqual([]);
    const reached = reachableFrom(named);
    const files = filesOf(join(installed, 'dist')).filter((file) => !file.endsWith('.map'));
    expect(files.filter((file) => !reached.has(file) && !PAGE.test(file))).toEqual([]);
  });

  it('has a source map for each script, which names the sources and does not repeat them', () => {
    const scripts = filesOf(join(installed, 'dist')).filter((file) => /\.c?js$/.test(file) && !PAGE.test(file));
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) {
      expect(readFileSync(join(installed, script), 'utf8')).toMatch(/\n\/\/# sourceMappingURL=[\w.-]+\.map\s*$/);
      const { file, sources, sourcesContent } = JSON.parse(readFileSync(join(installed, `${script}.map`), 'utf8'));
      expect(sources.filter((source: string) => !/^(?:\.\.\/\w.*\.[jt]s|[\w-]+\.cjs)$/.test(source))).toEqual([]);
      expect(sourcesContent).toBeUndefined();
      expect(file ?? basename(script)).toBe(basename(script));
    }
  });

  it('imports the modules of Node by their full names', () => {
    const short = filesOf(join(installed, 'dist')).flatMap((file) =>
      [...readFileSync(join(installed, file), 'utf8').matchAll(/(?:\bfrom|\brequire\(|\bimport\()\s*["']([^"']+)/g)]
        .map(([, name]) => name!)
        .filter((name) => builtinModules.includes(name)),
    );
    expect(short).toEqual([]);
  });

  it('links only to files that it holds', () => {
    const documents = filesOf(installed).filter((file) => file.endsWith('.md'));
    const broken = documents.flatMap((file) => {
      const targets = [...readFileSync(join(installed, file), 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)];
      return targets
        .map(([, target]) => target!)
        .filter((target) => !existsSync(join(installed, dirname(file), target)))
        .map((target) => `${file}: ${target}`);
    });
    expect(documents.length).toBeGreaterThan(2);
    expect(broken).toEqual([]);
  });

  it('bundles no driver', () => {
    const bundled = filesOf(join(installed, 'dist')).filter((file) =>
      /node_modules/.test(readFileSync(join(installed, file), 'utf8')),
    );
    expect(bundled).toEqual([]);
  });

  it('satisfies publint, suggestions included', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('satisfies "are the types wrong"', async () => {
    const args = [tarball, '--profile', 'node16', '--no-definitely-typed', '--no-color', '--format', 'ascii'];
    await tool('@arethetypeswrong/cli/dist/index.js', args, folder);
  });
});

describe('the installed package', () => {
  it.each(['entry-points.mjs', 'entry-points.cjs'])(
    'gives every entry point and one class of errors to %s',
    async (script) => {
      await runToTheEnd(script, project);
    },
  );

  it.each(['sqlite.mjs', 'sqlite.cjs'])('writes a file and runs its checkpoint worker in %s', async (script) => {
    await runToTheEnd(script, project);
  });

  it.skipIf(!hasRedis()).each(['redis.mjs', 'redis.cjs'])('writes to a Redis server in %s', async (script) => {
    const server = await RedisServer.start({ persistence: 'aof' });
    onTestFinished(() => server.stop());
    await runToTheEnd(script, project, String(server.port));
  });

  it.each(['tablestore.mjs', 'tablestore.cjs'])('writes to TableStore by its SDK, over HTTP, in %s', async (script) => {
    await runToTheEnd(script, project);
  });

  it.each(['no-driver.mjs', 'no-driver.cjs'])(
    'loads without any driver and names the one that is needed, in %s',
    async (script) => {
      await runToTheEnd(script, bareProject);
    },
  );

  it('runs the start of its README as printed, in a project made by npm init', async () => {
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    const start = /^## Start$(.*?)^## /ms.exec(readme)![1]!;
    const file = /^Save this as `([\w.]+)`/m.exec(start)![1]!;
    const source = /^```ts\n(.*?)^```$/ms.exec(start)![1]!;
    const [command, ...args] = /^(npx .+?)(?: +#.*)?$/m.exec(start)![1]!.split(' ');
    const cwd = join(folder, 'start');
    mkdirSync(cwd);
    await run('npm', ['init', '-y'], { cwd, shell: windows });
    linkPackages(cwd, tarball, ['better-sqlite3', 'tsx']);
    mkdirSync(join(cwd, 'node_modules/.bin'));
    symlinkSync('../tsx/dist/cli.mjs', join(cwd, 'node_modules/.bin/tsx'));
    writeFileSync(join(cwd, file), source);
    expect((await run(command!, args, { cwd, shell: windows })).stdout).toBe('ann: lunch?\n');
  });

  it('brings a command that says its version and its use', async () => {
    const command = (option: string) =>
      run(process.execPath, [join(installed, 'dist/cli.js'), option], { cwd: folder });
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect((await command('--version')).stdout).toBe(`${version}\n`);
    expect((await command('--help')).stdout).toMatch(/^Usage: timeline-model /);
  });

  it('brings a command that starts the emulator', async () => {
    const cwd = join(folder, 'command');
    mkdirSync(cwd);
    const quietly = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=peer', '--omit=optional'];
    await run('npm', ['install', ...quietly, tarball], { cwd, shell: windows });
    const child = spawn('npx', ['--no', 'timeline-model', 'tablestore-emulator', '--port', '0'], {
      cwd,
      shell: windows,
      detached: true,
    });
    // With all that npx put between itself and the command.
    onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
    const endpoint = /^TABLESTORE_ENDPOINT=(.+)$/m.exec(String(await once(child.stdout, 'data')))?.[1];
    expect(await (await fetch(`${endpoint}/ListTable`, { method: 'POST' })).text()).toContain('x-ots-apiversion');
  });

  it('compiles in strict ESM and CommonJS with neither @types/node nor the disposable lib', async () => {
    await compile('types', bareProject, ['--lib', 'es2022,dom', '--skipLibCheck', 'false']);
  });

  it('takes the clients of ioredis 5 and 6 by the types that they bring', async () => {
    await compile('types-redis', project, ['--types', 'node', '--skipLibCheck']);
  });
});
