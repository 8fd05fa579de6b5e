import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Makes a folder that is removed when the process ends, fails or is interrupted. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'group-chat-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  // A signal ends a process without its 'exit' event.
  for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  return folder;
}
