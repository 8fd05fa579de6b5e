import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const FOREIGN = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Paths of all files below a folder, relative to the package, with `/`. */
export function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (FOREIGN.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path.split(sep).join('/')];
  });
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const isCode = (path: string) => /\.[cm]?[jt]s$/.test(path) && !/\.generated\./.test(path);

/** Files that people write: none that a program generates. */
export function codeIn(...folders: readonly string[]): string[] {
  return folders.flatMap(filesIn).filter(isCode);
}

/** Imports of a file, static, lazy and of types: package names as they are, own files as paths from the root. */
export function importsOf(path: string): string[] {
  return ts.preProcessFile(read(path), true, true).importedFiles.map(({ fileName }) =>
    fileName.startsWith('.')
      ? relative(root, join(root, dirname(path), fileName))
          .split(sep)
          .join('/')
      : fileName,
  );
}

/**
 * Circles of imports among files: each a list of files that all reach each other, in alphabetical order. An import of
 * `./x.js` leads to `x.ts`.
 */
export function importCircles(
  files: readonly string[],
  imports: (path: string) => readonly string[] = importsOf,
): string[][] {
  const among = new Set(files);
  const targets = new Map(
    files.map((path) => [
      path,
      imports(path)
        .map((name) => name.replace(/\.js$/, '.ts'))
        .filter((name) => among.has(name)),
    ]),
  );
  const reached = new Map(files.map((path) => [path, reachableFrom(path, targets)]));
  const circles = files.map((path) =>
    files.filter((other) => reached.get(path)?.has(other) && reached.get(other)?.has(path)),
  );
  const distinct = new Map(circles.filter(({ length }) => length > 0).map((circle) => [circle.join(), circle.sort()]));
  return [...distinct.values()];
}

function reachableFrom(path: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const left = [path];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const target of targets.get(next) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      left.push(target);
    }
  }
  return reached;
}
