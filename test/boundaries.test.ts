import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeIn, filesIn, importCircles, importsOf, read, root } from './support/source-files.js';

const OWN = [
  'src',
  'adapters',
  'sync',
  'http',
  'client',
  'testing',
  'emulator',
  'examples',
  'test',
  'build',
  'bench',
  'command',
  'demo',
];

const COLUMNS = 120;

function strayImports(folder: string, allowed: RegExp): string[] {
  const files = codeIn(folder);
  expect(files.length).toBeGreaterThan(0);
  return files.flatMap((path) =>
    importsOf(path).flatMap((name) => (allowed.test(name) ? [] : [`${path} imports ${name}`])),
  );
}

describe('what may import what', () => {
  it('the core knows no adapter, no kit, no driver, and of Node only crypto, events and util', () => {
    expect(strayImports('src', /^(?:src\/|node:crypto$|node:events$|node:util$)/)).toEqual([]);
  });

  it('the toolkit of adapters knows the core alone, and no module of Node', () => {
    expect(strayImports('src/toolkit', /^src\//)).toEqual([]);
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
    const early = codeIn('adapters').filter((path) => /(?:from|import) '(?!\.|node:)/.test(read(path)));
    expect(early).toEqual([]);
  });

  it('the kit knows the core and Node', () => {
    expect(strayImports('testing', /^(?:src\/|testing\/|node:)/)).toEqual([]);
  });

  it('a law of the kit knows no other law, and only the list of the laws knows them', () => {
    const laws = /^testing\/laws\//;
    const importers = codeIn('testing').filter((path) => importsOf(path).some((name) => laws.test(name)));
    expect(importers.sort()).toEqual(['testing/describe-adapter.ts', 'testing/laws/index.ts']);
  });

  it('message synchronisation knows what is public, as if others had written it: the core and the toolkit', () => {
    expect(strayImports('sync', /^(?:src\/(?:toolkit\/)?index\.js$|sync\/|node:crypto$)/)).toEqual([]);
  });

  it('a folder of message synchronisation knows only those before it on the way of a message', () => {
    const known: Record<string, readonly string[]> = {
      shared: [],
      modes: ['shared'],
      inbox: ['shared'],
      members: ['shared', 'inbox'],
      outbox: ['shared', 'modes', 'inbox', 'members'],
      device: ['shared', 'modes', 'inbox', 'members'],
      conversations: ['shared', 'modes', 'inbox', 'members', 'device'],
      calls: ['shared', 'modes', 'inbox', 'members', 'outbox', 'device', 'conversations'],
      types: [],
    };
    const folders = readdirSync(join(root, 'sync'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(known).sort());
    const stray = Object.entries(known).flatMap(([folder, others]) =>
      strayImports(
        `sync/${folder}`,
        new RegExp(`^(?!sync/)|^sync/(?:types\\.js$|(?:${[folder, ...others].join('|')})/)`),
      ),
    );
    expect(stray).toEqual([]);
  });

  it('the gateway knows what is public of the core and message synchronisation, and no module of Node', () => {
    expect(strayImports('http', /^(?:src\/(?:toolkit\/)?index\.js$|sync\/index\.js$|http\/)/)).toEqual([]);
  });

  it('the client knows the protocol of the gateway, and nothing else', () => {
    expect(strayImports('client', /^(?:client\/|http\/protocol\.js$)/)).toEqual([]);
    expect(codeIn('client').filter((path) => read(path).includes('node:'))).toEqual([]);
  });

  it('the protocol of the gateway runs in browsers: of other files it knows types', () => {
    const imports = ['http/protocol.ts', ...filesIn('http/protocol')].flatMap(
      (path) => read(path).match(/^(?:import|export .+ from) .*$/gm) ?? [],
    );
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((line) => !/^import type |^export .* from '\.\/protocol\//.test(line))).toEqual([]);
  });

  it('the emulator knows itself and Node, so that it may judge the adapter', () => {
    expect(strayImports('emulator', /^(?:emulator\/|node:)/)).toEqual([]);
  });

  it("the demo's server knows the package by its name, the examples' parser, and the driver that it makes", () => {
    const own = /^demo\/(?:server|shared)\/|^demo\/page-bundle\.js$|^examples\/irc\.js$/;
    const others = /^node:|^timeline-model(?:\/|$)|^ioredis$/;
    const allowed = new RegExp(`${own.source}|${others.source}`);
    expect(strayImports('demo/server', allowed)).toEqual([]);
  });

  it("the demo's page knows the client, and nothing of a server", () => {
    expect(strayImports('demo/page', /^(?:demo\/(?:page|shared)\/|client\/)/)).toEqual([]);
    expect(strayImports('demo/shared', /^demo\/shared\//)).toEqual([]);
  });

  it('the examples know the package by its name, as a user does, and of its clients what a user makes', () => {
    const stray = strayImports('examples', /^(?:examples\/|node:|timeline-model(?:\/|$)|ioredis$|tablestore$)/);
    const isItsSubject =
      /^examples\/(?:chat-server\.ts imports ws|socket-io\.ts imports socket\.io|react-hooks\.ts imports react)$/;
    expect(stray.filter((path) => !isItsSubject.test(path))).toEqual([]);
  });
});

describe('circles of imports', () => {
  it('are found, of whatever length', () => {
    const imports: Record<string, string[]> = {
      'a.ts': ['b.js'],
      'b.ts': ['c.js'],
      'c.ts': ['b.js'],
      'd.ts': ['d.js'],
    };
    expect(importCircles(Object.keys(imports), (path) => imports[path] ?? [])).toEqual([['b.ts', 'c.ts'], ['d.ts']]);
  });

  it('are nowhere, not even of types', () => {
    expect(
      importCircles(codeIn('src', 'adapters', 'sync', 'http', 'client', 'testing', 'emulator', 'command', 'demo')),
    ).toEqual([]);
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
    const isGenerated = (path: string) => path.includes('.generated.');
    const written = codeIn(...OWN).filter((path) => !isGenerated(path));
    const long = written.filter((path) => read(path).split('\n').length - 1 > 300);
    expect(long).toEqual([]);
  });

  it('has no line wider than 120 columns, but in tables of documents', () => {
    const documents = filesIn('.').filter((path) => path.endsWith('.md'));
    const wide = [...codeIn('.'), ...documents].flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, i) => (line.length > COLUMNS && !line.startsWith('|') ? [`${path}:${i + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  it('names no folder of a machine it was written on', () => {
    const binary = /\.(?:png|jpe?g|gif|ico|woff2?|db|tgz)(?:-\w+)?$/;
    const home = /(?<![\w.~-])\/(?:home|Users|root)\/\w/;
    const personal = (text: string) => home.test(text) || text.includes(root);
    expect(filesIn('.').filter((path) => !binary.test(path) && personal(read(path)))).toEqual([]);
  });
});
