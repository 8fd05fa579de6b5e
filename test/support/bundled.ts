import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the project, so that packages resolve. The workers of one run share it; `global-setup.ts` removes it. */
export const bundlesOf = (run: number) => join(root, 'node_modules', '.cache', 'timeline-model', String(run));

/** A package of CommonJS looks for this function when it is part of a bundle of ESM. */
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";
/** One is native, the other is loaded by a `require` that is made at run time. */
const EXTERNAL = ['better-sqlite3', 'tablestore'];

/**
 * Bundles a TypeScript file and all that it imports into one file of JavaScript: a child process that runs it is ready
 * in a fraction of the time that a loader takes.
 */
export function bundled(script: string): string {
  const folder = bundlesOf(process.ppid);
  const outfile = join(folder, `${basename(script, '.ts')}-${createHash('sha1').update(script).digest('hex')}.mjs`);
  if (existsSync(outfile)) return outfile;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${outfile}.${process.pid}`;
  buildSync({
    entryPoints: [script],
    outfile: unfinished,
    bundle: true,
    external: EXTERNAL,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifyWhitespace: true,
    banner: { js: REQUIRE },
  });
  renameSync(unfinished, outfile);
  return outfile;
}
