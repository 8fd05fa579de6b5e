import { beforeEach, describe, expect, it } from 'vitest';
import type {
  ConversationsPage,
  DevicesAnswer,
  HistoryPage,
  MembersAnswer,
  PulledPage,
  ReadPositionsAnswer,
  WireSummary,
} from '../../http/index.js';
import { type Chat, join, openChat } from './support/chat.js';
import { type Answer, Caller } from './support/client.js';
import { onNode } from './support/servers.js';

let chat: Chat;
let url: string;
let ann: Caller;
let bob: Caller;
let eve: Caller;
let first: string;

beforeEach(async () => {
  chat = await openChat();
  await join(chat, 'team', 'ann', 'bob');
  url = await onNode(chat.gateway);
  [ann, bob, eve] = ['ann', 'bob', 'eve'].map((user) => new Caller(url, user)) as [Caller, Caller, Caller];
  first = await ann.say('team', 'one');
});

const seqId = expect.stringMatching(/^\d+$/);

describe('a route', () => {
  /** Method, path (`#`: SeqId of ann's message), body; status for a member, for ann, and for a stranger. */
  const ROUTES: readonly [string, string, unknown, number, number][] = [
    ['POST', '/conversations/team/messages', { body: 'two' }, 201, 403],
    ['POST', '/conversations/team/batch', { messages: [{ body: 'three', key: 'k3' }] }, 200, 403],
    ['GET', '/conversations/team/messages', undefined, 200, 403],
    ['PATCH', '/conversations/team/messages/#', { body: 'three' }, 200, 403],
    ['DELETE', '/conversations/team/messages/#', undefined, 200, 403],
    ['PUT', '/conversations/team/read', { seqId: '1' }, 200, 403],
    ['GET', '/conversations/team/read', undefined, 200, 403],
    ['PUT', '/conversations/team/settings', { muted: true }, 204, 403],
    ['POST', '/conversations/team/signals', { body: 'typing' }, 204, 403],
    ['GET', '/conversations/team/members', undefined, 200, 403],
    ['POST', '/conversations/team/members', { users: ['ann'] }, 200, 403],
    ['DELETE', '/conversations/team/members/ann', undefined, 200, 403],
    ['GET', '/conversations/team', undefined, 200, 403],
    // A user's own: there is nobody else's to be refused.
    ['GET', '/conversations', undefined, 200, 200],
    ['GET', '/unread', undefined, 200, 200],
    ['GET', '/devices', undefined, 200, 200],
    ['DELETE', '/devices/phone', undefined, 204, 204],
    ['GET', '/pull', undefined, 200, 200],
    ['GET', '/events', undefined, 200, 200],
  ];

  it.each(ROUTES)('%s %s: with the user, without one, for a stranger', async (method, path, body, allowed, strange) => {
    const at = path.replace('#', first);
    const status = async (caller: Caller): Promise<number> => {
      if (path !== '/events') return (await caller.call(method, at, body)).status;
      return (await caller.events()).response.status;
    };
    const nobody = await new Caller(url).call(method, at, body);
    expect(nobody).toMatchObject({ status: 401, json: { code: 'GATEWAY_UNAUTHENTICATED', retryable: false } });
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    expect(await status(eve)).toBe(strange);
    expect(await status(ann)).toBe(allowed);
    expect(chat.errors).toEqual([]);
  });

  it('POST /ack: with a device, without the user, without a device', async () => {
    const phone = new Caller(url, 'bob', { 'x-device': 'phone' });
    const { json: page } = await phone.get<PulledPage<string>>('/pull');
    expect(page.messages).toMatchObject([{ body: 'one', seqId: first, sender: 'ann' }]);
    expect((await phone.call('POST', '/ack', { cursor: page.cursor })).status).toBe(204);
    expect((await phone.get<PulledPage<string>>('/pull')).json.messages).toEqual([]);
    expect((await new Caller(url).call('POST', '/ack', { cursor: page.cursor })).status).toBe(401);
    expect(await bob.call('POST', '/ack', { cursor: page.cursor })).toMatchObject({
      status: 400,
      json: { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'device' },
    });
    // A cursor of another user's device.
    expect(
      await new Caller(url, 'eve', { 'x-device': 'phone' }).call('POST', '/ack', { cursor: page.cursor }),
    ).toMatchObject({ status: 400, json: { code: 'TIMELINE_INVALID_CURSOR' } });
  });
});

describe('messages', () => {
  it('are sent once for a key, of each user', async () => {
    const path = '/conversations/team/messages';
    const sent = await ann.call<{ seqId: string }>('POST', path, { body: 'two', key: 'k' });
    expect(sent).toMatchObject({ status: 201, json: { seqId, duplicate: false } });
    expect(await ann.call('POST', path, { body: 'two', key: 'k' })).toMatchObject({
      status: 200,
      json: { seqId: sent.json.seqId, duplicate: true },
    });
    expect(await ann.call('POST', path, { body: 'two' }, { 'idempotency-key': 'k' })).toMatchObject({ status: 200 });
    expect(await ann.call('POST', path, { body: 'other', key: 'k' })).toMatchObject({
      status: 409,
      json: { code: 'TIMELINE_KEY_CONFLICT', retryable: false },
    });
    // The same key of another user is another key.
    expect(await bob.call('POST', path, { body: 'other', key: 'k' })).toMatchObject({ status: 201 });
    expect(await ann.call('POST', path, { body: 'two', key: 'k' }, { 'idempotency-key': 'l' })).toMatchObject({
      status: 400,
      json: { argument: 'key' },
    });
    expect(await ann.call('POST', path, { body: 'two', key: 'k'.repeat(513) })).toMatchObject({ status: 413 });
  });

  it('keep keys of users apart whose names and keys run into each other', async () => {
    await join(chat, 'pair', 'a', 'a:1');
    const [short, long] = [new Caller(url, 'a'), new Caller(url, 'a:1')];
    const path = '/conversations/pair/messages';
    expect((await short.call('POST', path, { body: 'x', key: '1:k' })).status).toBe(201);
    expect((await long.call('POST', path, { body: 'y', key: 'k' })).status).toBe(201);
  });

  it('are edited and recalled by their senders alone', async () => {
    const path = `/conversations/team/messages/${first}`;
    expect(await bob.call('PATCH', path, { body: 'no' })).toMatchObject({
      status: 403,
      json: { code: 'TIMELINE_FORBIDDEN' },
    });
    expect((await bob.call('DELETE', path)).status).toBe(403);
    expect(await ann.call('PATCH', path, { body: 'won', key: 'e' })).toMatchObject({ status: 200, json: { seqId } });
    expect(await ann.call('PATCH', path, { body: 'won', key: 'e' })).toMatchObject({ json: { duplicate: true } });
    expect((await bob.get<HistoryPage<string>>('/conversations/team/messages')).json.messages).toMatchObject([
      { body: 'won', edited: true },
    ]);
    expect((await ann.call('DELETE', path)).status).toBe(200);
    expect((await ann.call('PATCH', path, { body: 'again' })).status).toBe(404);
    expect((await ann.call('DELETE', '/conversations/team/messages/99')).status).toBe(404);
    expect((await ann.call('DELETE', '/conversations/team/messages/no')).status).toBe(400);
  });

  it('relate to others, mention users, and need not count', async () => {
    const reaction = { body: '+1', relatesTo: first, countable: false };
    expect((await bob.call('POST', '/conversations/team/messages', reaction)).status).toBe(201);
    const mention = { body: '@ann', mentions: ['ann'] };
    expect((await bob.call('POST', '/conversations/team/messages', mention)).status).toBe(201);
    const { json } = await ann.get<HistoryPage<string>>('/conversations/team/messages');
    expect(json.messages).toMatchObject([{ related: [{ body: '+1' }] }, { mentions: ['ann'] }]);
    expect(await ann.get('/unread')).toMatchObject({ json: { messages: 1, mentions: 1, conversations: 1 } });
    expect(await bob.call('POST', '/conversations/team/messages', { body: '+1', relatesTo: '99' })).toMatchObject({
      status: 404,
    });
  });
});

describe('the list', () => {
  it('comes in pages', async () => {
    for (const name of ['b', 'c']) {
      await join(chat, name, 'ann');
      await ann.say(name, 'hello');
    }
    const names: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const query: URLSearchParams = new URLSearchParams({ limit: '2', ...(after !== '' && { after }) });
      const { json }: Answer<ConversationsPage<string>> = await ann.get(`/conversations?${query}`);
      names.push(...json.conversations.map(({ conversation }) => conversation));
      after = json.next;
    }
    expect(names).toEqual(['c', 'b', 'team']);
  });

  it('has one summary, settings and a read position', async () => {
    const summary = async () => (await bob.get<WireSummary<string>>('/conversations/team')).json;
    expect(await summary()).toMatchObject({ conversation: 'team', unread: 1, last: { body: 'one', sender: 'ann' } });
    expect(await bob.call('PUT', '/conversations/team/read', { seqId: first })).toMatchObject({
      json: { readSeqId: first },
    });
    await bob.call('PUT', '/conversations/team/settings', { pinned: true });
    expect(await summary()).toMatchObject({ unread: 0, readSeqId: first, settings: { pinned: true, muted: false } });
    expect((await bob.call('PUT', '/conversations/team/read', { seqId: '99' })).status).toBe(400);
  });
});

describe('members', () => {
  const members = async (conversation: string, caller = ann) =>
    (await caller.get<MembersAnswer>(`/conversations/${encodeURIComponent(conversation)}/members`)).json;

  it('are founded by anybody who is among them, once', async () => {
    const [path, users] = ['/conversations/new%20one/members', ['eve', 'bob']];
    expect((await ann.call('POST', path, { users })).status).toBe(403);
    const founded = await eve.call<{ seqId: string }>('POST', path, { users });
    expect(founded).toMatchObject({ status: 200, json: { seqId } });
    expect([...(await members('new one', eve)).members].sort()).toEqual(['bob', 'eve']);
    // The answer was lost.
    expect(await eve.call('POST', path, { users })).toMatchObject({
      status: 200,
      json: { seqId: founded.json.seqId, duplicate: true },
    });
    expect((await ann.call('POST', path, { users: ['ann', 'eve'] })).status).toBe(403);
    await eve.say('new one', 'first');
  });

  it('are not founded where somebody has been, though nobody is left', async () => {
    for (const caller of [ann, bob]) {
      expect((await caller.call('DELETE', `/conversations/team/members/${caller.user}`)).status).toBe(200);
    }
    expect((await eve.call('POST', '/conversations/team/members', { users: ['eve'] })).status).toBe(403);
    expect(await chat.sync.isMember('team', 'eve')).toBe(false);
  });

  it('are founded by one of two who do it at once', async () => {
    const [path, names] = ['/conversations/race/members', ['ann', 'bob', 'eve']];
    const founded = await Promise.all([ann, bob, eve].map((each) => each.call('POST', path, { users: [each.user] })));
    expect(founded.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
    const winner = names[founded.findIndex(({ status }) => status === 200)]!;
    expect((await members('race', new Caller(url, winner))).members).toEqual([winner]);
  });

  it('join by the rule of the server, and leave', async () => {
    const open = await openChat({ authorize: async ({ isMember }) => isMember() });
    await join(open, 'team', 'ann');
    const at = await onNode(open.gateway);
    const [anna, stranger] = [new Caller(at, 'ann'), new Caller(at, 'eve')];
    expect((await stranger.call('POST', '/conversations/team/members', { users: ['eve'] })).status).toBe(403);
    const body = { users: ['cem'], key: 'add' };
    const added = await anna.call('POST', '/conversations/team/members', body);
    expect(added).toMatchObject({ status: 200, json: { duplicate: false } });
    expect(await anna.call('POST', '/conversations/team/members', body)).toMatchObject({ json: { duplicate: true } });
    expect([...(await members('team', anna)).members].sort()).toEqual(['ann', 'cem']);
    expect((await anna.call('DELETE', '/conversations/team/members/cem')).status).toBe(200);
    expect(await members('team', anna)).toEqual({ members: ['ann'], complete: true });
  });

  it('who left read up to there', async () => {
    expect((await bob.call('DELETE', '/conversations/team/members/bob')).status).toBe(200);
    await ann.say('team', 'without bob');
    const page = await bob.get<HistoryPage<string>>('/conversations/team/messages');
    expect(page.json.messages).toMatchObject([{ body: 'one' }]);
    expect(await bob.get('/conversations/team')).toMatchObject({ status: 404 });
  });

  it('see how far the others have read', async () => {
    const positions = async () => (await ann.get<ReadPositionsAnswer>('/conversations/team/read')).json;
    expect(await positions()).toEqual({ positions: [], complete: true });
    await bob.call('PUT', '/conversations/team/read', { seqId: first });
    expect(await positions()).toEqual({ positions: [{ user: 'bob', seqId: first }], complete: true });
  });

  it('are listed up to a bound', async () => {
    const small = await openChat({ limits: { members: 2 } });
    await join(small, 'crowd', 'ann', 'bob', 'cem');
    const caller = new Caller(await onNode(small.gateway), 'ann');
    expect((await members('crowd', caller)).members).toHaveLength(2);
    expect(await members('crowd', caller)).toMatchObject({ complete: false });
  });
});

describe('devices', () => {
  it('are listed and forgotten', async () => {
    const phone = new Caller(url, 'bob', { 'x-device': encodeURIComponent('bob’s phone') });
    const { json } = await phone.get<PulledPage<string>>('/pull');
    await phone.call('POST', '/ack', { cursor: json.cursor });
    const devices = async () => (await bob.get<DevicesAnswer>('/devices')).json.devices.map(({ device }) => device);
    expect(await devices()).toEqual(['bob’s phone']);
    expect((await bob.call('DELETE', `/devices/${encodeURIComponent('bob’s phone')}`)).status).toBe(204);
    expect(await devices()).toEqual([]);
  });

  it('are named by the server, the header or the parameter, in this order', async () => {
    const named = await openChat({ authenticate: () => ({ user: 'bob', device: 'kept' }) });
    await join(named, 'team', 'bob');
    const at = await onNode(named.gateway);
    for (const [caller, path] of [
      [new Caller(at, 'bob', { 'x-device': 'other' }), '/pull'],
      [new Caller(url, 'bob', { 'x-device': 'kept' }), '/pull?device=other'],
      [new Caller(url, 'bob'), '/pull?device=kept'],
    ] as const) {
      const { json } = await caller.get<PulledPage<string>>(path);
      await caller.call('POST', path.replace('pull', 'ack'), { cursor: json.cursor });
      expect((await caller.get<DevicesAnswer>('/devices')).json.devices).toMatchObject([{ device: 'kept' }]);
    }
  });

  it('leave nothing behind if the client keeps the position', async () => {
    const { json } = await bob.get<PulledPage<string>>('/pull?after=');
    expect(json.messages).toMatchObject([{ body: 'one' }]);
    await ann.say('team', 'two');
    const next = await bob.get<PulledPage<string>>(`/pull?after=${encodeURIComponent(json.cursor)}`);
    expect(next.json.messages).toMatchObject([{ body: 'two' }]);
    expect((await bob.get<DevicesAnswer>('/devices')).json.devices).toEqual([]);
  });
});
