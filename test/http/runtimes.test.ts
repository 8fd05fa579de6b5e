import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';
import { bodiesOf, Caller } from './support/client.js';
import { SocketReader } from './support/sockets.js';

const server = bundled(resolve(import.meta.dirname, 'support/runtime-server.ts'));
let folder: string;

/** Starts the server on a runtime. Resolves with its address. */
async function start(runtime: 'bun' | 'deno'): Promise<string> {
  const args = runtime === 'deno' ? ['run', '--allow-all', server] : [server];
  const child = spawn(join(folder, 'node_modules/.bin', runtime), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout))
    if (line.startsWith('port ')) return `http://127.0.0.1:${line.slice('port '.length)}`;
  throw new Error(`${runtime} ended`);
}

// Each runtime takes about a hundred megabytes to install.
describe.runIf(nightly)('the gateway on other runtimes', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'timeline-runtimes-'));
    const install = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder });
    install('npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', 'bun@1', 'deno@2');
    install(process.execPath, 'node_modules/bun/install.js');
    install(process.execPath, 'node_modules/deno/install.cjs');
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['bun', 'deno'] as const)(
    '%s stores a message, and streams it to a device',
    async (runtime) => {
      const url = await start(runtime);
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
    const url = await start('deno');
    const ann = new Caller(url, 'ann');
    await ann.call('POST', '/conversations/team/members', { users: ['ann', 'bob'] });
    const bob = await SocketReader.open(url);
    bob.send({ type: 'auth', token: 'bob' });
    await bob.until(({ event }) => event === 'caught-up');
    await ann.say('team', 'hello');
    expect(bodiesOf(await bob.until(({ event }) => event === 'message'))).toEqual(['hello']);
  }, 60_000);
});
