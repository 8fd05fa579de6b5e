/** The page's files: bundled from source in the repository, built beforehand in the package. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface PageFile {
  readonly type: string;
  readonly content: string | Uint8Array;
}

/** By path. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'sample.txt': 'text/plain; charset=utf-8',
} as const;

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export async function loadPageFiles(): Promise<PageFiles> {
  const built = at('./demo-page/');
  const contents = existsSync(built) ? readBuilt(built) : await bundle();
  return new Map(
    Object.entries(contents).map(([name, content]) => {
      const path = name === 'index.html' ? '/' : `/${name}`;
      return [path, { type: TYPES[name as keyof typeof TYPES], content }];
    }),
  );
}

type Contents = Record<keyof typeof TYPES, string>;

function readBuilt(folder: string): Contents {
  const names = Object.keys(TYPES) as (keyof typeof TYPES)[];
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${folder}${name}`, 'utf8')])) as Contents;
}

async function bundle(): Promise<Contents> {
  // Only the repository has esbuild; the name is no literal so that a bundler of this file does not look for it.
  const module: string = '../page-bundle.js';
  const { bundlePage } = (await import(module)) as typeof import('../page-bundle.js');
  return bundlePage();
}
