import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { createGateway } from '../../http/index.js';
import { openTimelineStore, type TimelineStore } from '../../src/index.js';
import {
  createSync,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../sync/index.js';
import { numbered } from '../sync/support/people.js';
import { authenticate, type Chat, join, openChat } from './support/chat.js';
import { type AnyFrame, bodiesOf, Caller, inShort, lastId } from './support/client.js';
import { onNode } from './support/servers.js';

let chat: Chat;
let url: string;
let ann: Caller;

beforeEach(async () => {
  chat = await openChat({ limits: { sendsPerSecond: 1000, requestsPerSecond: 1000 } });
  await join(chat, 'team', 'ann', 'bob');
  url = await onNode(chat.gateway);
  ann = new Caller(url, 'ann');
});

const POSITIONS = [
  ['kept by the client', new Map<string, string>(), '/events?after='],
  ['kept by the server', new Map([['x-device', 'phone']]), '/events'],
] as const;

/** As a client does it: by the entry of the conversation. */
const identityOf = (frame: AnyFrame & { readonly event: 'message' }): string => {
  const { conversation, kind, seqId, entrySeqId, sender } = frame.data;
  return [conversation, kind, seqId, entrySeqId, sender].join();
};

describe.each(POSITIONS)('a stream whose position is %s', (_, headers, path) => {
  const bobOf = () => new Caller(url, 'bob', Object.fromEntries(headers));

  it('begins with ready, tells that it has caught up, and goes on', async () => {
    for (const body of ['one', 'two']) await ann.say('team', body);
    const events = await bobOf().events(path);
    const frames = await events.untilCaughtUp();
    expect(frames.map(inShort)).toEqual(['ready', 'one', 'two', 'caught-up']);
    expect(frames[0]).toEqual({
      event: 'ready',
      data: {
        user: 'bob',
        ...(headers.size > 0 && { device: 'phone' }),
        position: headers.size > 0 ? 'server' : 'client',
        heartbeatMs: 15_000,
      },
    });
    // A page has one position, on its last message.
    expect(frames.map((frame) => 'id' in frame)).toEqual([false, false, true, true]);
    expect(frames[1]).toMatchObject({
      data: { conversation: 'team', kind: 'message', sender: 'ann', body: 'one', seqId: expect.any(String) },
    });
    await ann.say('team', 'three');
    const live = await events.until(({ event }) => event === 'message');
    expect(live.map(inShort)).toEqual(['three']);
    expect(lastId(live)).toBeDefined();
  });

  it('goes on without loss or repetition, wherever it is cut', async () => {
    const bodies = numbered(12);
    for (const body of bodies.slice(0, 6)) await ann.say('team', body);
    const { seqId } = await chat.sync.send({ conversation: 'team', sender: 'ann', body: 'recalled' });
    await chat.sync.edit('team', seqId, 'edited', { by: 'ann' });
    await (await chat.sync.recall('team', seqId, { by: 'ann' })).delivered;
    for (const body of bodies.slice(6)) await ann.say('team', body);
    const whole = (await (await bobOf().events(path)).untilCaughtUp()).filter(({ event }) => event === 'message');
    const expected = whole.map(inShort);
    expect(expected.filter((word) => word.startsWith('m'))).toEqual(bodies);

    for (let cut = 1; cut <= whole.length + 1; cut++) {
      const shown = new Map<string, string>();
      let id: string | undefined;
      let connections = 0;
      const bob = new Caller(url, 'bob', headers.size > 0 ? { 'x-device': `cut-${cut}` } : {});
      for (let isCaughtUp = false; !isCaughtUp; connections++) {
        const events = await bob.events(path, id === undefined ? {} : { 'last-event-id': id });
        // The first connection ends after `cut` frames, the others after all or one page.
        for (let read = 0; connections > 0 || read < cut; read++) {
          const frame = await events.next();
          if (!frame) break;
          if (frame.event === 'message') {
            const identity = identityOf(frame);
            if (!shown.has(identity)) shown.set(identity, inShort(frame));
            id = frame.id ?? id;
          }
          isCaughtUp = frame.event === 'caught-up';
          if (isCaughtUp) break;
        }
        events.close();
      }
      expect([...shown.values()]).toEqual(expected);
    }
  });

  it('gives no message again that has been taken by its position', async () => {
    await ann.say('team', 'one');
    const first = await (await bobOf().events(path)).untilCaughtUp();
    await ann.say('team', 'two');
    const next = await (await bobOf().events(path, { 'last-event-id': lastId(first)! })).untilCaughtUp();
    expect(bodiesOf(next)).toEqual(['two']);
    // The server has stored the position by then, or the client has it.
    const again = headers.size > 0 ? {} : { 'last-event-id': lastId(next)! };
    const last = await (await bobOf().events(path, again)).untilCaughtUp();
    expect(bodiesOf(last)).toEqual(headers.size > 0 ? ['two'] : []);
  });

  it('passes edits, recalls and signals on', async () => {
    const events = await bobOf().events(path);
    await events.untilCaughtUp();
    const seqId = await ann.say('team', 'one');
    await ann.call('PATCH', `/conversations/team/messages/${seqId}`, { body: 'two' });
    await ann.call('POST', '/conversations/team/signals', { body: { typing: true } });
    await ann.call('DELETE', `/conversations/team/messages/${seqId}`);
    const frames = await events.until((frame) => inShort(frame).startsWith('recall'));
    const signal = frames.find(({ event }) => event === 'signal');
    expect(signal).toEqual({
      event: 'signal',
      data: { conversation: 'team', from: 'ann', body: { typing: true }, sentAt: expect.any(Number) },
    });
    expect(bodiesOf(frames)).toEqual(['one', `edit ${seqId}`, `recall ${seqId}`]);
  });

  it('refuses a position that is none of its own, before it begins', async () => {
    const refused = await bobOf().events(path, { 'last-event-id': 'nonsense' });
    expect(refused.response.status).toBe(400);
    await refused.rest();
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'TIMELINE_INVALID_CURSOR', retryable: false });
    // Of another user.
    await ann.say('team', 'one');
    const id = lastId(await (await new Caller(url, 'ann', Object.fromEntries(headers)).events(path)).untilCaughtUp())!;
    expect((await bobOf().events(path, { 'last-event-id': id })).response.status).toBe(400);
  });

  it('ends on drain with what the client needs to resume', async () => {
    const events = await bobOf().events(path);
    await events.untilCaughtUp();
    await chat.gateway.drain();
    expect(await events.rest()).toEqual([{ event: 'closing', data: { reason: 'drain', resume: true } }]);
    expect(await ann.get('/unread')).toMatchObject({
      status: 503,
      json: { code: 'GATEWAY_DRAINING', retryable: true },
    });
  });
});

/** A gateway on libraries whose clock the test sets, with inboxes that expire after a second. */
async function openExpiring(options: Partial<SyncOptions<string>> = {}) {
  const time = { now: 1_700_000_000_000 };
  const adapter = memoryAdapter();
  const open = <T>(name: string, ttlMs?: number): Promise<TimelineStore<T>> =>
    openTimelineStore<T>({
      ...{ adapter, name, now: () => time.now, clockToleranceMs: Number.POSITIVE_INFINITY },
      ...(ttlMs !== undefined && { ttlMs }),
    });
  const [store, inboxes] = [await open<Stored<string>>('store'), await open<Synced<string>>('sync', 1000)];
  const sync = createSync<string>({
    ...{ store, sync: inboxes, directory: timelineDirectory({ store }), diffusion: writeDiffusion() },
    recoverEveryMs: 0,
    ...options,
  });
  const gateway = createGateway(sync, { authenticate });
  await join({ sync }, 'team', 'ann', 'bob');
  onTestFinished(async () => {
    await gateway.drain();
    await sync.close();
    await Promise.all([store.close(), inboxes.close()]);
  });
  const say = async (body: string) => (await sync.send({ conversation: 'team', sender: 'ann', body })).delivered;
  return { time, sync, gateway, say };
}

describe('a stream', () => {
  it('gives bodies as they were sent, null included', async () => {
    const events = await new Caller(url, 'bob').events();
    await events.untilCaughtUp();
    expect((await ann.call('POST', '/conversations/team/messages', { body: null })).status).toBe(201);
    await ann.call('POST', '/conversations/team/signals', { body: null });
    const frames = await events.until(({ event }) => event === 'signal');
    expect(frames).toMatchObject([{ data: { kind: 'message', body: null } }, { data: { body: null } }]);
  });

  it('whose client begins at the newest does not lose what comes while the client is away', async () => {
    const other = await openChat({ start: 'now' });
    await join(other, 'team', 'ann', 'bob');
    const at = await onNode(other.gateway);
    const [anna, bob] = [new Caller(at, 'ann'), new Caller(at, 'bob')];
    await anna.say('team', 'before');
    const frames = await (await bob.events()).untilCaughtUp();
    expect(bodiesOf(frames)).toEqual([]);
    await anna.say('team', 'meanwhile');
    const next = await (await bob.events('/events', { 'last-event-id': lastId(frames)! })).untilCaughtUp();
    expect(bodiesOf(next)).toEqual(['meanwhile']);
  });

  it('beats while it is idle, and ends when it is old', async () => {
    const other = await openChat({ limits: { heartbeatMs: 20, streamMs: 400 } });
    const events = await new Caller(await onNode(other.gateway), 'bob').events();
    const frames = await events.rest();
    expect(frames.at(-1)).toEqual({ event: 'closing', data: { reason: 'expired', resume: true } });
    expect(events.text.match(/^: ping$/gm)!.length).toBeGreaterThan(3);
    expect(events.text).toMatch(/^retry: \d+$/m);
  });

  it('ends with the sync, so that its client comes back', async () => {
    const events = await new Caller(url, 'bob').events();
    await events.untilCaughtUp();
    await chat.sync.close();
    expect(await events.rest()).toEqual([{ event: 'closing', data: { reason: 'drain', resume: true } }]);
    expect(chat.errors).toEqual([]);
  });

  it('tells of a resync before the first message of it', async () => {
    const { time, gateway, say } = await openExpiring();
    const bob = new Caller(await onNode(gateway), 'bob', { 'x-device': 'phone' });
    await say('old');
    const frames = await (await bob.events()).untilCaughtUp();
    await bob.call('POST', '/ack', { cursor: lastId(frames) });
    await say('lost');
    time.now += 5000;
    await say('new');
    const resynced = await (await bob.events()).untilCaughtUp();
    expect(resynced.map(inShort)).toEqual(['ready', 'resync', 'old', 'lost', 'new', 'caught-up']);
  });

  it('tells of a resync before a signal, where no message comes', async () => {
    const { time, sync, gateway, say } = await openExpiring({ resyncLast: 0 });
    const bob = new Caller(await onNode(gateway), 'bob', { 'x-device': 'phone' });
    await say('old');
    const frames = await (await bob.events()).untilCaughtUp();
    await bob.call('POST', '/ack', { cursor: lastId(frames) });
    await say('lost');
    time.now += 5000;
    const events = await bob.events();
    await events.untilCaughtUp();
    await sync.signal('team', { from: 'ann', body: 'typing' });
    expect((await events.until(({ event }) => event === 'signal')).map(inShort)).toEqual(['resync', 'signal']);
  });
});

it('a stream that begins with start=now has what comes, and nothing from before', async () => {
  await ann.say('team', 'before');
  for (const headers of [{}, { 'x-device': 'phone' }]) {
    const events = await new Caller(url, 'bob', headers).events('/events?start=now');
    expect(bodiesOf(await events.untilCaughtUp())).toEqual([]);
    await ann.say('team', 'after');
    expect(bodiesOf(await events.until(({ event }) => event === 'message'))).toEqual(['after']);
  }
});
