import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../emulator');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const importsOf = (path: string) =>
  [...readFileSync(join(root, path), 'utf8').matchAll(/from '([^']+)'/g)].map((match) => match[1]!);
const importers = (folder: string, target: RegExp) =>
  files
    .filter((path) => path.startsWith(folder))
    .flatMap((path) => importsOf(path).flatMap((name) => (target.test(name) ? [`${path} imports ${name}`] : [])));

describe('the layers of the emulator', () => {
  it('need nothing but Node and each other', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(importers('', /^(?!node:|\.)/)).toEqual([]);
    expect(importers('', /^\.\.\/\.\.\//)).toEqual([]);
  });

  it('go down only: operations, then storage and search, then the wire', () => {
    const known: Record<string, readonly string[]> = {
      wire: ['values'],
      storage: ['wire/', 'search/indexes', 'values', 'errors', 'faults', 'options'],
      search: ['wire/', 'storage/', 'values', 'errors'],
      operations: ['wire/', 'storage/', 'search/', 'values', 'errors', 'signature'],
    };
    const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(known).sort());
    const stray = Object.entries(known).flatMap(([folder, others]) =>
      importers(`${folder}${sep}`, new RegExp(`^\\.\\./(?!(?:${others.join('|')}))`)),
    );
    expect(stray).toEqual([]);
    expect(importers('dispatch.ts', /^\.\/(?!operations\/|errors)/)).toEqual([]);
  });
});
