import { readdirSync, readlinkSync, statSync } from 'node:fs';

/** Device and inode of the file at the path; `undefined` if there is none. Throws if the system refuses to tell. */
export function fileId(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/**
 * Ids of the files that a process has open. `undefined` if the system does not tell: only Linux does, of processes of
 * the same user.
 */
export function filesOpenIn(pid: number | 'self'): Set<string> | undefined {
  const folder = `/proc/${pid}/fd`;
  const ids = new Set<string>();
  try {
    for (const descriptor of readdirSync(folder)) ids.add(idOrNone(`${folder}/${descriptor}`));
    return ids;
  } catch {
    return undefined;
  }
}

/** `''` for a descriptor that was closed meanwhile. */
function idOrNone(path: string): string {
  try {
    return fileId(path) ?? '';
  } catch {
    return '';
  }
}

/** Other processes that have one of the files open, as far as the system tells. */
export function processesWith(ids: readonly string[]): number[] {
  return otherProcesses().filter((pid) => {
    const open = filesOpenIn(pid);
    return open !== undefined && ids.some((id) => open.has(id));
  });
}

function otherProcesses(): number[] {
  try {
    // In a container, process.pid may not be the number that this /proc gives.
    const own = readlinkSync('/proc/self');
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && name !== own)
      .map(Number);
  } catch {
    return [];
  }
}
