import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as timelineModel from '../../src/index.js';
import { bundled } from '../support/bundled.js';
import { codeIn, filesIn } from '../support/source-files.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
/** A page for each folder that has a map. */
const maps = filesIn('.').filter((path) => path.endsWith('/README.md'));
const blocks = (path: string) => [...read(path).matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]);

/** Members of a declared union of string literals, or of a class, straight from the source. */
const errorCodes = [...read('src/errors.ts').matchAll(/^ {2}\| '(TIMELINE_\w+)'/gm)].map((match) => match[1] as string);

describe('the documents', () => {
  it('show the start of the README as it is run', () => {
    expect(blocks('README.md')).toContain(read('examples/start.ts'));
  });

  it('show the minimal adapter as it is tested, in at most 60 lines', () => {
    const source = read('examples/minimal-adapter.ts');
    expect(blocks('docs/writing-an-adapter.md')).toContain(source);
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('show the recipe for Socket.IO as it is tested, in at most 30 lines', () => {
    const source = read('examples/socket-io.ts');
    expect(blocks('docs/gateway.md')).toContain(source);
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  it('show the hooks for React as they are tested, in at most 30 lines', () => {
    const source = read('examples/react-hooks.ts');
    expect(blocks('docs/client.md')).toContain(source);
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  it('explain every error code, and no other', () => {
    const explained = [...read('README.md').matchAll(/^\| `(TIMELINE_\w+)` \|/gm)].map((match) => match[1] as string);
    expect(errorCodes.length).toBeGreaterThan(10);
    expect(explained.sort()).toEqual([...errorCodes].sort());
  });

  it('name every function that the package exports', () => {
    const text = documents.map(read).join('\n');
    for (const name of Object.keys(timelineModel)) expect(text).toContain(name);
  });

  it.each([...documents, ...maps])('%s links only to what is there', (path) => {
    const targets = [...read(path).matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] as string);
    for (const target of targets)
      expect(existsSync(resolve(root, dirname(path), target)), `${path} links to ${target}`).toBe(true);
  });
});

describe('the maps of folders', () => {
  // The toolkit's map is sorted by tasks of an adapter.
  const byFile = maps.filter((path) => path !== 'src/toolkit/README.md');

  it.each(byFile)('%s names every file and folder beside it', (path) => {
    const text = read(path);
    const beside = readdirSync(join(root, dirname(path)), { withFileTypes: true });
    const names = beside.flatMap((entry) => {
      if (entry.isDirectory()) return [`${entry.name}/`];
      return entry.name.endsWith('.ts') ? [entry.name.replace(/\.ts$/, '')] : [];
    });
    expect(names.length).toBeGreaterThan(0);
    expect(
      names.filter((name) => !new RegExp(`(?<![\\w-])${name.replaceAll('.', '\\.')}(?![\\w-])`).test(text)),
    ).toEqual([]);
  });

  const code = codeIn('src', 'adapters', 'sync', 'http', 'client', 'testing', 'emulator').map(read).join('\n');
  const known = new Set(code.match(/\w+/g));

  it.each(maps)('%s names only what the code has', (path) => {
    const spans = [
      ...read(path)
        .replace(/^```.*?^```$/gms, '')
        .matchAll(/`([^`\n]+)`/g),
    ].map((match) => match[1]!);
    // Classes, functions and fields, and members of them: `Reader`, `planWrite`, `Reader.read`.
    const names = spans.filter((span) => /^[a-z]+[A-Z]\w*(?:\.\w+)*$|^[A-Z]\w*[a-z]\w*(?:\.\w+)*$/.test(span));
    expect(names.filter((name) => !name.split('.').every((part) => known.has(part)))).toEqual([]);
  });
});

describe('the start of the README', () => {
  it('runs, and running it again repeats nothing', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'timeline-start-'));
    try {
      const run = () => promisify(execFile)(process.execPath, [bundled(join(root, 'examples/start.ts'))], { cwd });
      expect((await run()).stdout).toBe('ann: lunch?\n');
      expect((await run()).stdout).toBe('');
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});
