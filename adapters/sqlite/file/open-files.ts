import { readdirSync, readlinkSync, statSync } from 'node:fs';

/** Device and inode of what the path leads to; undefined if there is nothing. Throws where that cannot be told. */
export function fileId(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** The files that a process has open. Linux tells, of processes that belong to the same user; undefined where it does not. */
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

/** A descriptor may be closed meanwhile. */
function idOrNone(path: string): string {
  try {
    return fileId(path) ?? '';
  } catch {
    return '';
  }
}

/** The other processes that have one of the files open, as far as the system tells. */
export function processesWith(ids: readonly string[]): number[] {
  return otherProcesses().filter((pid) => {
    const open = filesOpenIn(pid);
    return open !== undefined && ids.some((id) => open.has(id));
  });
}

function otherProcesses(): number[] {
  try {
    // As this view of the processes numbers them.
    const own = readlinkSync('/proc/self');
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && name !== own)
      .map(Number);
  } catch {
    return [];
  }
}
