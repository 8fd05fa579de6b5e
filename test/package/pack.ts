import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `npm pack` on a copy of the sources, so that others may build or read `dist` at the same time. */
export function pack(folder: string): string {
  const copy = join(folder, 'source');
  // Vite writes its configuration as a file for the moment of loading it: gone, perhaps, when it is to be copied.
  const leftOut = /^(?:node_modules|dist|coverage|\.git|.+\.timestamp-.+)$/;
  cpSync(root, copy, { recursive: true, filter: (path) => !leftOut.test(basename(path)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: copy,
    shell: process.platform === 'win32',
  });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(folder, tarball);
}

/** Unpacks the tarball into a project, and links packages of the repository. Returns the folder of the package. */
export function linkPackages(project: string, tarball: string, packages: readonly string[]): string {
  const modules = join(project, 'node_modules');
  const installed = join(modules, 'timeline-model');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  return installed;
}

/** A project with the scripts of the consumer that has the tarball, and of other packages only those named. */
export function installInto(project: string, tarball: string, packages: readonly string[]): string {
  const installed = linkPackages(project, tarball, packages);
  cpSync(join(root, 'test/package/consumer'), project, { recursive: true });
  return installed;
}
