import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
    expect(importers('wire', /operations|storage|search\/|server|dispatch/)).toEqual([]);
    expect(importers('storage', /operations|server|dispatch/)).toEqual([]);
    expect(importers('search', /operations|server|dispatch/)).toEqual([]);
    expect(importers('operations', /server|dispatch/)).toEqual([]);
  });
});
