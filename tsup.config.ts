import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { defineConfig, type Options } from 'tsup';
import { emitDeclarations } from './build/declarations.js';
import { bundlePage } from './demo/page-bundle.js';

const settings: Options = {
  target: 'node20',
  removeNodeProtocol: false,
  sourcemap: true,
};

/** tsup names a script of CommonJS, and a chunk without sources, by its path on the machine that builds it. */
function relativePaths(folder: string): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.map'))) {
    const map: { file?: string; sources: string[] } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const file = basename(name, '.map');
    const sources = map.sources.map((path) => (isAbsolute(path) ? relative(resolve(folder), path) : path));
    writeFileSync(join(folder, name), JSON.stringify({ ...map, file, sources }));
  }
}

const entry = {
  index: 'src/index.ts',
  memory: 'adapters/memory/index.ts',
  sqlite: 'adapters/sqlite/index.ts',
  redis: 'adapters/redis/index.ts',
  tablestore: 'adapters/tablestore/index.ts',
  sync: 'sync/index.ts',
  http: 'http/index.ts',
  client: 'client/index.ts',
  testing: 'testing/index.ts',
  'tablestore-emulator': 'emulator/index.ts',
};

const entries: Options = {
  entry,
  format: ['esm', 'cjs'],
  ...settings,
  // One copy of every class, whichever entry points a program loads.
  splitting: true,
  onSuccess: async () => relativePaths('dist'),
  // The types name AsyncDisposable, and a consumer need not have that lib.
  dts: { banner: '/// <reference lib="esnext.disposable" />', entry: emitDeclarations(entry) },
  esbuildOptions(options, { format }) {
    options.sourcesContent = false;
    if (format !== 'cjs') return;
    options.define = { ...options.define, 'import.meta.url': 'importMetaUrl' };
    options.inject = [...(options.inject ?? []), './build/import-meta-url.js'];
  },
};

/** The demo's page, which a browser loads as it is. */
async function writePage(): Promise<void> {
  mkdirSync('dist/demo-page', { recursive: true });
  for (const [name, content] of Object.entries(await bundlePage({ minify: true })))
    writeFileSync(join('dist/demo-page', name), content);
}

const command: Options = {
  entry: { cli: 'command/cli.ts', 'demo-chat': 'demo/server/chat/main.ts' },
  format: ['esm'],
  ...settings,
  // The demo uses the package as others do.
  external: [/^timeline-model(?:\/|$)/],
  onSuccess: writePage,
  esbuildOptions(options) {
    options.sourcesContent = false;
  },
  esbuildPlugins: [
    {
      name: 'the-built-emulator',
      setup: (build) =>
        build.onResolve({ filter: /^\.\/index\.js$/ }, () => ({ path: './tablestore-emulator.js', external: true })),
    },
  ],
};

export default defineConfig([entries, command]);
