import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { bundled } from '../support/bundled.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const LOG = 'examples/fixtures/chat.irc.txt';
const SCRIPT = bundled(fileURLToPath(new URL('../../examples/group-chat.ts', import.meta.url)));

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const example = (...args: string[]) => exampleWith({}, ...args);

/** With other variables in its environment than ours. */
export function exampleWith(environment: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
  const options = { cwd: root, env: { ...process.env, ...environment } };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [SCRIPT, ...args], options, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

export const spawnExample = (...args: string[]) =>
  spawn(process.execPath, [SCRIPT, ...args], { cwd: root, env: { ...process.env, REDIS_URL: '' } });

/** A run that has said where its data are and is still busy. */
export async function startExample(...args: string[]): Promise<{ child: ChildProcess; place: string }> {
  const child = spawnExample(...args);
  let out = '';
  for (;;) {
    const place = /(?:database|server) +(\/\S+) /.exec(out)?.[1];
    if (place !== undefined) return { child, place };
    out += String(await once(child.stdout, 'data'));
  }
}

export function expectVerified(
  { code, out, err }: Finished,
  history: number,
  inboxes: number,
  deliveries: number,
): void {
  expect(err).toBe('');
  expect(out).not.toContain('✗');
  expect(out).toContain(`✓ history   ${history} messages, in the order and with the text sent`);
  expect(out).toContain(`✓ inboxes   ${inboxes} inboxes, ${deliveries} messages, each as sent`);
  expect(code).toBe(0);
}
