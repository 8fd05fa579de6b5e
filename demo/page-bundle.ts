/** Bundles the page: when the demo starts from source, and for the package. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export async function bundlePage(options: { readonly minify?: boolean } = {}) {
  const { outputFiles } = await build({
    entryPoints: [at('./page/page.ts'), at('./page/styles/page.css')],
    entryNames: '[name]',
    outdir: 'page',
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: options.minify ?? false,
    legalComments: 'none',
  });
  const output = (name: string) => outputFiles.find(({ path }) => path.endsWith(name))!.text;
  return {
    'index.html': readFileSync(at('./page/index.html'), 'utf8'),
    'page.css': output('page.css'),
    'page.js': output('page.js'),
    'sample.txt': readFileSync(at('../examples/fixtures/chat.irc.txt'), 'utf8'),
  };
}
