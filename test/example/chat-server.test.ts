import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLOSE_CODES, type HistoryPage, type WireSummary } from '../../http/index.js';
import { bodiesOf, Caller, inShort, lastId } from '../http/support/client.js';
import { SocketReader } from '../http/support/sockets.js';
import { bundled } from '../support/bundled.js';
import { until } from '../support/until.js';
import { root } from './run.js';

const SCRIPT = bundled(join(root, 'examples/chat-server.ts'));

let folder: string;
let child: ChildProcess;
let url: string;
let database = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chat-server-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(): Promise<void> {
  const env = { ...process.env, PORT: '0', CHAT_DB: join(folder, `${database}.db`) };
  child = spawn(process.execPath, [SCRIPT], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  url = String((await once(child.stdout!, 'data'))[0]).trim();
}

const caller = (user: string) => new Caller(url, user);
const phoneOf = (user: string) => SocketReader.as(user, `${url}/events?device=phone`);
const isMessage = (text: string) => (frame: Parameters<typeof inShort>[0]) => inShort(frame) === text;

describe('the chat server example', () => {
  beforeEach(async () => {
    database += 1;
    await start();
    const founded = await caller('ann').call('POST', '/conversations/team/members', { users: ['ann', 'bob'] });
    expect(founded.status).toBe(200);
  });
  afterEach(() => child.kill('SIGKILL'));

  it('lets two users talk over WebSockets, edit, recall, read back and count what is unread', async () => {
    const [ann, bob] = [await phoneOf('ann'), await phoneOf('bob')];
    await Promise.all([ann.untilCaughtUp(), bob.untilCaughtUp()]);
    ann.send({ type: 'signal', conversation: 'team', body: 'typing' });
    const lunch = await bob.until(isMessage('signal')).then(() => caller('ann').say('team', 'lunch?'));
    await bob.until(isMessage('lunch?'));
    await caller('bob').say('team', 'yes', 'yes');
    await ann.until(isMessage('yes'));
    const message = `/conversations/team/messages/${lunch}`;
    expect((await caller('bob').call('PATCH', message, { body: 'no lunch' })).status).toBe(403);
    expect((await caller('ann').call('PATCH', message, { body: 'lunch at one?' })).status).toBe(200);
    await bob.until(isMessage(`edit ${lunch}`));
    const oops = await caller('ann').say('team', 'oops');
    expect((await caller('ann').call('DELETE', `/conversations/team/messages/${oops}`)).status).toBe(200);
    await bob.until(isMessage(`recall ${oops}`));

    const page = await caller('bob').get<HistoryPage<string>>('/conversations/team/messages');
    expect(page.json.messages).toMatchObject([
      { body: 'lunch at one?', edited: true },
      { body: 'yes' },
      { recalled: true },
    ]);
    const unread = async () => (await caller('bob').get<WireSummary<string>>('/conversations/team')).json.unread;
    expect(await unread()).toBe(1);
    await caller('bob').call('PUT', '/conversations/team/read', { seqId: lunch });
    expect(await unread()).toBe(0);
  });

  it('goes on after a cut connection with what the device has not acknowledged', async () => {
    await caller('ann').say('team', 'one');
    const first = await phoneOf('bob');
    const frames = await first.untilCaughtUp();
    first.send({ type: 'ack', cursor: lastId(frames)! });
    await until(
      'the acknowledgement is stored',
      async () => bodiesOf(await (await phoneOf('bob')).untilCaughtUp()).length === 0,
    );
    first.socket.terminate();
    await caller('ann').say('team', 'two');
    expect(bodiesOf(await (await phoneOf('bob')).untilCaughtUp())).toEqual(['two']);
  });

  it('refuses nobody, and strangers', async () => {
    expect((await new Caller(url).get('/unread')).status).toBe(401);
    expect((await caller('eve').get('/conversations/team/messages')).status).toBe(403);
  });

  it('ends on SIGTERM with what it has accepted, and a device goes on with the next process', async () => {
    const bob = await phoneOf('bob');
    await bob.untilCaughtUp();
    const ann = caller('ann');
    const sent = Array.from({ length: 20 }, (_, i) => ann.say('team', `last ${i}`).catch(() => undefined));
    await sent[0];
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await bob.closed)[0]).toBe(CLOSE_CODES.resume);
    const accepted = (await Promise.all(sent)).filter((seqId) => seqId !== undefined).length;
    expect(await exit).toEqual([0, null]);
    expect(accepted).toBeGreaterThan(0);

    await start();
    const stored = bodiesOf(await (await phoneOf('bob')).untilCaughtUp());
    expect(stored.length).toBeGreaterThanOrEqual(accepted);
    const page = await caller('bob').get<HistoryPage<string>>('/conversations/team/messages');
    expect(page.json.messages.map(({ body }) => body)).toEqual(stored);
  });
});
