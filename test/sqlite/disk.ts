import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterTest } from './support.js';

/** File systems of a test's own need the rights of root, which a container has and a desk may not. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mounts();

function mounts(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'timeline-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

/** A file system in memory with so much room, gone after the test; `readonly` makes it so. */
export function smallDisk(size: string): { readonly folder: string; readonly makeReadonly: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'timeline-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  afterTest(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return { folder, makeReadonly: () => void execFileSync('mount', ['-o', 'remount,ro', folder]) };
}
