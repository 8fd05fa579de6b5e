import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Paths relative to the package, with `/`, of all files below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path.split(sep).join('/')];
  });
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const isCode = (path: string) => /\.[cm]?[jt]s$/.test(path);

/** All imports of a file, static, lazy or of types: packages by name, our own files as paths from the root. */
function importsOf(path: string): string[] {
  return ts.preProcessFile(read(path), true, true).importedFiles.map(({ fileName }) =>
    fileName.startsWith('.')
      ? relative(root, join(root, dirname(path), fileName))
          .split(sep)
          .join('/')
      : fileName,
  );
}

function strayImports(folder: string, allowed: RegExp): string[] {
  const files = filesIn(folder).filter(isCode);
  expect(files.length).toBeGreaterThan(0);
  return files.flatMap((path) =>
    importsOf(path).flatMap((name) => (allowed.test(name) ? [] : [`${path} imports ${name}`])),
  );
}

describe('what may import what', () => {
  it('the core knows no adapter, no kit, no driver, and of Node only crypto, events and util', () => {
    expect(strayImports('src', /^(?:src\/|node:crypto$|node:events$|node:util$)/)).toEqual([]);
  });

  it('an adapter knows the core, itself, Node, and its own driver', () => {
    const drivers: Record<string, string> = { sqlite: '|better-sqlite3$' };
    const adapters = readdirSync(join(root, 'adapters'));
    expect(adapters).toEqual(expect.arrayContaining(['memory', 'sqlite']));
    for (const name of adapters) {
      expect(
        strayImports(`adapters/${name}`, new RegExp(`^(?:src/|adapters/${name}/|node:${drivers[name] ?? ''})`)),
      ).toEqual([]);
    }
  });

  it('a driver is loaded lazily, and its types are not ours', () => {
    const early = filesIn('adapters').filter(
      (path) => isCode(path) && /(?:from|import) '(?!\.|node:)/.test(read(path)),
    );
    expect(early).toEqual([]);
  });

  it('the kit knows the core, the memory adapter and Node', () => {
    expect(strayImports('testing', /^(?:src\/|testing\/|adapters\/memory\/|node:)/)).toEqual([]);
  });

  it('message synchronisation knows the core and no adapter: what it needs, any Timeline has', () => {
    expect(strayImports('sync', /^(?:src\/|sync\/|node:crypto$)/)).toEqual([]);
  });

  it('the emulator knows itself and Node, so that it may judge the adapter', () => {
    expect(strayImports('emulator', /^(?:emulator\/|node:)/)).toEqual([]);
  });

  it('the examples know the package by its name, as a user does, and of its clients what a user makes', () => {
    expect(strayImports('examples', /^(?:examples\/|node:|timeline-model(?:\/|$)|ioredis$|tablestore$)/)).toEqual([]);
  });
});

describe('the package', () => {
  it('has no runtime dependencies', () => {
    const manifest: Record<string, unknown> = JSON.parse(read('package.json'));
    expect(Object.keys(manifest).filter((field) => /^(?:bundled?|optional)?dependencies$/i.test(field))).toEqual([]);
  });

  it('has a lockfile that names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": *"https?:/);
  });

  it('has no file of code above 300 lines', () => {
    const long = ['src', 'adapters', 'sync', 'testing', 'emulator', 'examples', 'test', 'build', 'bench'].flatMap(
      (folder) =>
        filesIn(folder).filter(
          (path) => isCode(path) && !/\.generated\./.test(path) && read(path).split('\n').length - 1 > 300,
        ),
    );
    expect(long).toEqual([]);
  });

  it('names no folder of a machine it was written on', () => {
    const binary = /\.(?:png|jpe?g|gif|ico|woff2?|db|tgz)(?:-\w+)?$/;
    const home = /(?<![\w.~-])\/(?:home|Users|root)\/\w/;
    const personal = (text: string) => home.test(text) || text.includes(root);
    expect(filesIn('.').filter((path) => !binary.test(path) && personal(read(path)))).toEqual([]);
  });
});
