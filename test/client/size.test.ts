import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/source-files.js';

/** Bytes, minified and gzipped. */
const MOST_AT_FIRST = 5000;
const MOST_IN_ALL = 9500;

const sizes = new Map<string, number>();
const texts: string[] = [];
let atFirst = new Set<string>();

beforeAll(async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, 'client/index.ts')],
    ...{ bundle: true, splitting: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
    ...{ write: false, metafile: true, absWorkingDir: root, outdir: 'out' },
  });
  for (const { path, contents, text } of outputFiles) {
    sizes.set(path.slice(path.lastIndexOf('/') + 1), gzipSync(contents, { level: 9 }).length);
    texts.push(text);
  }
  const { outputs } = metafile;
  const reach = (path: string): string[] => [
    path,
    ...(outputs[path]?.imports ?? []).flatMap((each) => (each.kind === 'import-statement' ? reach(each.path) : [])),
  ];
  atFirst = new Set(reach('out/index.js').map((path) => path.slice(path.lastIndexOf('/') + 1)));
});

describe('the client in a browser', () => {
  const sum = (names: Iterable<string>) => [...names].reduce((bytes, name) => bytes + (sizes.get(name) ?? 0), 0);

  it('takes few bytes at first: what is shown, the WebSocket and IndexedDB are loaded on demand', () => {
    expect(atFirst.size).toBeGreaterThan(0);
    expect(sizes.size - atFirst.size).toBeGreaterThanOrEqual(3);
    expect(sum(atFirst)).toBeGreaterThan(1000);
    expect(sum(atFirst)).toBeLessThan(MOST_AT_FIRST);
  });

  it('takes few bytes in all', () => {
    expect(sum(sizes.keys())).toBeLessThan(MOST_IN_ALL);
  });

  it('names no module of Node', () => {
    expect(texts.filter((text) => text.includes('node:'))).toEqual([]);
  });
});
