/** Files of emulators, and emulators in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type EmulatorOptions, startTablestoreEmulator } from '../../emulator/index.js';
import { bundled } from '../support/bundled.js';
import { clientOf, type SdkClient } from './sdk.js';

export function scratchFolder(prefix = 'tablestore-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
export const scratchFile = (name = 'tables') => join(scratchFolder(), name);

/** Runs `work` against an emulator on that file, and closes it. */
export async function session<T>(
  file: string,
  work: (client: SdkClient) => Promise<T>,
  options: EmulatorOptions = {},
): Promise<T> {
  const emulator = await startTablestoreEmulator({ file, ...options });
  try {
    return await work(clientOf(emulator));
  } finally {
    await emulator.close();
  }
}

const CLI = fileURLToPath(new URL('../../emulator/cli.ts', import.meta.url));

/** Arguments of `node` for the command in a process of its own. */
export const commandOn = (file: string, ...more: string[]) => [
  bundled(CLI),
  'tablestore-emulator',
  '--port',
  '0',
  '--file',
  file,
  ...more,
];

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly client: SdkClient;
  /** As `kill -9` does; resolves once the process is gone. */
  kill(): Promise<void>;
}

/** Resolves once it serves. Rejects with what it says if it ends instead. */
export async function startCommand(file: string, [command, ...args]: readonly string[] = [process.execPath]) {
  const child = spawn(command!, [...args, ...commandOn(file)], { detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint += text;
  });
  const settings: Record<string, string> = {};
  for await (const line of createInterface(child.stdout)) {
    const [name = '', value = ''] = line.split('=');
    settings[name] = value;
    if (name === 'TABLESTORE_ACCESS_KEY_SECRET') break;
  }
  if (settings.TABLESTORE_ACCESS_KEY_SECRET === undefined) throw new Error(complaint);
  const client = clientOf({
    endpoint: settings.TABLESTORE_ENDPOINT!,
    instanceName: settings.TABLESTORE_INSTANCE!,
    accessKeyId: settings.TABLESTORE_ACCESS_KEY_ID!,
    accessKeySecret: settings.TABLESTORE_ACCESS_KEY_SECRET!,
  });
  const kill = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return { child, client, kill } satisfies RunningCommand;
}
