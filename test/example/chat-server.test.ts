import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bundled } from '../support/bundled.js';
import { root } from './run.js';

const SCRIPT = bundled(join(root, 'examples/chat-server.ts'));

interface Frame {
  readonly message: { readonly kind: string; readonly seqId: string; readonly sender: string; readonly body?: string };
  readonly cursor: string;
}

let folder: string;
let child: ChildProcess;
let url: string;
let database = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chat-server-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  database += 1;
  await start();
});
afterEach(() => child.kill('SIGKILL'));

async function start(): Promise<void> {
  const env = { ...process.env, PORT: '0', CHAT_DB: join(folder, `${database}.db`) };
  child = spawn(process.execPath, [SCRIPT], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  url = String((await once(child.stdout!, 'data'))[0]).trim();
}

/** The fields of answers that the tests read. */
interface Answer {
  readonly seqId: string;
  readonly unread: number;
  readonly messages: readonly { readonly body?: string }[];
  readonly before: string;
}

async function call<T = Answer>(user: string, method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${user}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, json: (await response.json()) as T };
}

const say = (user: string, body: string, key = body) =>
  call(user, 'POST', '/conversations/team/messages', { body, key });

/** A client's device: it shows each message once, and remembers the cursor of the last. */
class Phone {
  readonly shown: string[] = [];
  readonly #user: string;
  #cursor = '';
  #socket: WebSocket | undefined;
  #onShown = () => {};

  constructor(user: string) {
    this.#user = user;
  }

  async connect(): Promise<void> {
    const query = new URLSearchParams({ token: this.#user, after: this.#cursor });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/devices/phone?${query}`);
    this.#socket = socket;
    socket.on('message', (data) => {
      const { message, cursor }: Frame = JSON.parse(String(data));
      this.shown.push(message.kind === 'message' ? `${message.body}` : `${message.kind} ${message.body ?? ''}`.trim());
      this.#cursor = cursor;
      this.#onShown();
    });
    await once(socket, 'open');
  }

  async until(message: string): Promise<void> {
    while (!this.shown.includes(message)) {
      await new Promise<void>((resolve) => {
        this.#onShown = resolve;
      });
    }
  }

  acknowledge(cursor = this.#cursor): void {
    this.#socket!.send(JSON.stringify({ ack: cursor }));
  }

  type(conversation: string): void {
    this.#socket!.send(JSON.stringify({ typing: conversation }));
  }

  cut(): void {
    this.#socket!.terminate();
  }

  async closed(): Promise<[number, string]> {
    const [code, reason] = await once(this.#socket!, 'close');
    return [code, String(reason)];
  }
}

describe('the chat server example', () => {
  beforeEach(async () => {
    expect((await call('ann', 'POST', '/conversations/team/members', { users: ['ann', 'bob'] })).status).toBe(201);
  });

  it('lets two users talk over WebSockets, edit, recall, read back and count what is unread', async () => {
    const [ann, bob] = [new Phone('ann'), new Phone('bob')];
    await Promise.all([ann.connect(), bob.connect()]);
    // A device hears signals from its first read on.
    await say('bob', 'hello');
    await Promise.all([ann.until('hello'), bob.until('hello')]);
    ann.type('team');
    await bob.until('signal typing');
    const lunch = await say('ann', 'lunch?');
    expect(lunch).toMatchObject({ status: 201, json: { seqId: expect.stringMatching(/^\d+$/), duplicate: false } });
    await bob.until('lunch?');
    const yes = await say('bob', 'yes');
    await ann.until('yes');
    expect(await say('bob', 'yes')).toMatchObject({ json: { seqId: yes.json.seqId, duplicate: true } });

    const message = `/conversations/team/messages/${lunch.json.seqId}`;
    expect((await call('bob', 'PATCH', message, { body: 'no lunch' })).status).toBe(403);
    expect((await call('ann', 'PATCH', message, { body: 'lunch at one?' })).status).toBe(200);
    await bob.until('edit lunch at one?');
    const { json: oops } = await say('ann', 'oops');
    await bob.until('oops');
    expect((await call('ann', 'DELETE', `/conversations/team/messages/${oops.seqId}`)).status).toBe(200);
    await bob.until('recall');
    expect(bob.shown).toEqual(['hello', 'signal typing', 'lunch?', 'yes', 'edit lunch at one?', 'oops', 'recall']);

    const { json: page } = await call('bob', 'GET', '/conversations/team/messages?limit=2');
    expect(page.messages).toMatchObject([{ body: 'yes' }, { recalled: true }]);
    const older = await call('bob', 'GET', `/conversations/team/messages?before=${encodeURIComponent(page.before)}`);
    expect(older.json.messages).toMatchObject([{ body: 'hello' }, { body: 'lunch at one?', edited: true }]);

    const unread = async () => (await call<Answer[]>('bob', 'GET', '/conversations')).json[0]?.unread;
    expect(await unread()).toBe(1);
    const read = await call('bob', 'PUT', '/conversations/team/read', { seqId: lunch.json.seqId });
    expect(read.json).toEqual({ readSeqId: lunch.json.seqId });
    expect(await unread()).toBe(0);
  });

  it('goes on after a cut connection where the client stands, acknowledged or not', async () => {
    const bob = new Phone('bob');
    await bob.connect();
    const bodies = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    for (const [i, body] of bodies.entries()) {
      await say('ann', body);
      if (i % 3 === 0) await bob.until(body);
      if (i % 6 === 0) bob.acknowledge();
      if (i % 5 === 0) {
        bob.cut();
        await bob.closed();
        await bob.connect();
      }
    }
    await bob.until(bodies.at(-1)!);
    expect(bob.shown).toEqual(bodies);
  });

  it('answers those who may not with 401 or 403, and bad input with 400', async () => {
    expect((await fetch(`${url}/conversations`)).status).toBe(401);
    expect(await say('eve', 'hello')).toMatchObject({ status: 403, json: { code: 'TIMELINE_FORBIDDEN' } });
    expect((await call('eve', 'GET', '/conversations/team/messages')).status).toBe(403);
    expect((await call('eve', 'POST', '/conversations/team/members', { users: ['eve'] })).status).toBe(403);
    expect((await say('ann', 'x'.repeat(4001), 'long')).status).toBe(400);
    expect((await call('ann', 'POST', '/conversations/team/messages', { body: 7 })).status).toBe(400);
    expect((await say('ann', 'one', 'same')).status).toBe(201);
    expect((await say('ann', 'two', 'same')).status).toBe(409);
    const headers = { authorization: 'Bearer ann' };
    const noJson = await fetch(`${url}/conversations/team/messages`, { method: 'POST', headers, body: '{' });
    expect(noJson.status).toBe(400);

    const bob = new Phone('bob');
    await bob.connect();
    const closed = bob.closed();
    bob.acknowledge('no cursor');
    expect(await closed).toEqual([1008, 'TIMELINE_INVALID_CURSOR']);
  });

  it('ends on SIGTERM with what it has accepted, and a device goes on with the next process', async () => {
    const bob = new Phone('bob');
    await bob.connect();
    await say('ann', 'before');
    await bob.until('before');
    const sent = Array.from({ length: 20 }, (_, i) => say('ann', `last ${i}`).catch(() => undefined));
    await sent[0];
    const [closed, exit] = [bob.closed(), once(child, 'exit')];
    child.kill('SIGTERM');
    expect((await closed)[0]).toBe(1001);
    const accepted = (await Promise.all(sent)).filter((answer) => answer?.status === 201).length;
    expect(await exit).toEqual([0, null]);
    expect(accepted).toBeGreaterThan(0);

    await start();
    await bob.connect();
    const { json: page } = await call('bob', 'GET', '/conversations/team/messages');
    const stored = page.messages.map(({ body }) => body!);
    await bob.until(stored.at(-1)!);
    expect(bob.shown).toEqual(stored);
    expect(stored.length).toBeGreaterThanOrEqual(accepted + 1);
  });
});
