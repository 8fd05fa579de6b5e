import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../../support/source-files.js';

export interface RunningDemo {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts `npm run demo` on a free port, as a process of its own. */
export async function startDemo(...args: readonly string[]): Promise<RunningDemo> {
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
  const child = spawn(process.execPath, [tsx, 'demo/main.ts', '--port', '0', ...args], { cwd: root });
  const url = await urlOf(child);
  const close = async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  return { url, close };
}

function urlOf(child: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      const url = /http:\/\/localhost:\d+/.exec(output)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`the demo ended: ${output}`)));
  });
}
