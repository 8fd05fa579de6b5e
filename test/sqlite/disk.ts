import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterTest } from './support.js';

/** Runs a command as root, or by a sudo that asks for no password, like that of CI machines. */
function privileged(command: string, ...args: string[]): void {
  const [file, ...rest] = process.getuid?.() === 0 ? [command] : ['sudo', '-n', command];
  execFileSync(file!, [...rest, ...args], { stdio: 'ignore' });
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'timeline-disk-'));
const mount = (folder: string, size: string) =>
  privileged('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder);

/** Mounting file systems needs rights that a container has and a developer's machine may not. */
export const canMount = process.platform === 'linux' && mounts();

function mounts(): boolean {
  const folder = newFolder();
  try {
    mount(folder, '64k');
    privileged('umount', folder);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

/** A file system in memory of the given size, gone after the test. */
export function smallDisk(size: string): { readonly folder: string; readonly makeReadonly: () => void } {
  const folder = newFolder();
  mount(folder, size);
  afterTest(() => {
    privileged('umount', '--lazy', folder);
    rmdirSync(folder);
  });
  return { folder, makeReadonly: () => privileged('mount', '-o', 'remount,ro', folder) };
}
