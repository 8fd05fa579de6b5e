import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';
import { bodiesOf, Caller } from './support/client.js';
import { SocketReader } from './support/sockets.js';

const support = (file: string) => resolve(import.meta.dirname, 'support', file);
const server = bundled(support('runtime-server.ts'));
const NEXT_ROUTE = `
  import { gateway } from '../../gateway.mjs';
  const { fetch } = gateway;
  export { fetch as GET, fetch as POST, fetch as PUT, fetch as PATCH, fetch as DELETE };`;
let folder: string;

const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
const install = (...packages: string[]) =>
  run('npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...packages);

/** Starts a program of the folder. Resolves with what follows `before` in the first line that has it. */
async function start(program: string, args: string[], before: RegExp): Promise<string> {
  const child = spawn(join(folder, 'node_modules/.bin', program), args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) if (before.test(line)) return line.replace(before, '');
  throw new Error(`${program} ended`);
}

/** Starts the server. Resolves with its address. */
async function startServer(runtime: 'bun' | 'deno' | 'next'): Promise<string> {
  if (runtime === 'next') return `${await start('next', ['start', '-p', '0', '-H', '127.0.0.1'], /^.*Local: +/)}/chat`;
  const args = runtime === 'deno' ? ['run', '--allow-all', server] : [server];
  return `http://127.0.0.1:${await start(runtime, args, /^port /)}/chat`;
}

// Each takes a hundred megabytes or more to install.
describe.runIf(nightly)('the gateway on other runtimes', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'timeline-runtimes-'));
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    mkdirSync(join(folder, 'app/chat/[...path]'), { recursive: true });
    writeFileSync(join(folder, 'app/chat/[...path]/route.js'), NEXT_ROUTE);
    copyFileSync(bundled(support('runtime-gateway.ts')), join(folder, 'app/gateway.mjs'));
    install('bun@1', 'deno@2', 'next@16', 'react@19', 'react-dom@19');
    run(process.execPath, 'node_modules/bun/install.js');
    run(process.execPath, 'node_modules/deno/install.cjs');
    run('node_modules/.bin/next', 'build');
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['bun', 'deno', 'next'] as const)(
    '%s stores a message, and streams it to a device',
    async (runtime) => {
      const url = await startServer(runtime);
      const [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob', { 'x-device': 'phone' })];
      expect((await new Caller(url).get('/conversations')).status).toBe(401);
      expect((await ann.call('POST', '/conversations/team/members', { users: ['ann', 'bob'] })).status).toBe(200);
      const events = await bob.events();
      await events.untilCaughtUp();
      await ann.say('team', 'grüße');
      const frames = await events.until(({ event }) => event === 'message');
      expect(bodiesOf(frames)).toEqual(['grüße']);
      const page = await bob.get('/conversations/team/messages');
      expect(page).toMatchObject({ status: 200, json: { messages: [{ body: 'grüße' }] } });
      expect(page.headers.get('etag')).toMatch(/^"[\w-]{20,}"$/);
      expect(await bob.call('POST', '/ack', { cursor: 'nonsense' })).toMatchObject({ status: 400 });
    },
    60_000,
  );

  it('Deno serves WebSockets', async () => {
    const url = await startServer('deno');
    const ann = new Caller(url, 'ann');
    await ann.call('POST', '/conversations/team/members', { users: ['ann', 'bob'] });
    const bob = await SocketReader.open(url);
    bob.send({ type: 'auth', token: 'bob' });
    await bob.until(({ event }) => event === 'caught-up');
    await ann.say('team', 'hello');
    expect(bodiesOf(await bob.until(({ event }) => event === 'message'))).toEqual(['hello']);
  }, 60_000);
});
