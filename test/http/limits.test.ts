import { describe, expect, it } from 'vitest';
import { createGateway, DEFAULT_LIMITS, type GatewayOptions } from '../../http/index.js';
import { RateLimit } from '../../http/rate-limit.js';
import type { MessageSync } from '../../sync/index.js';
import { authenticate, join, openChat } from './support/chat.js';
import { Caller } from './support/client.js';
import { onNode } from './support/servers.js';

describe('the limit', () => {
  it('of a body holds with and without its length', async () => {
    const chat = await openChat({ limits: { bodyBytes: 1000 } });
    await join(chat, 'team', 'ann');
    const url = await onNode(chat.gateway);
    const ann = new Caller(url, 'ann');
    expect((await ann.call('POST', '/conversations/team/messages', { body: 'x'.repeat(900) })).status).toBe(201);
    const long = JSON.stringify({ body: 'x'.repeat(1001) });
    const refused = { code: 'TIMELINE_TOO_LARGE', argument: 'body', status: 413 };
    expect(await ann.call('POST', '/conversations/team/messages', long)).toMatchObject({ status: 413, json: refused });
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(500).fill(32)),
    });
    const response = await fetch(`${url}/conversations/team/messages`, {
      method: 'POST',
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    });
    expect(await response.json()).toMatchObject(refused);
  });

  it('of a page is told, and not passed over', async () => {
    const chat = await openChat({ limits: { page: 3 } });
    await join(chat, 'team', 'ann');
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    for (const path of ['/conversations/team/messages', '/conversations', '/pull']) {
      expect((await ann.get(`${path}?limit=3`)).status).toBe(200);
      for (const limit of ['4', '0', '-1', '1.5', 'x', '', '1e1']) {
        expect(await ann.get(`${path}?limit=${limit}`)).toMatchObject({
          status: 400,
          json: { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'limit' },
        });
      }
    }
    for (let i = 0; i < 5; i++) await ann.say('team', `m${i}`);
    // Without a limit, a page is as long as it may be.
    expect(await ann.get('/conversations/team/messages')).toMatchObject({ json: { messages: { length: 3 } } });
  });

  it('of sends is of each user, and says when to come back', async () => {
    const chat = await openChat({ limits: { sendsPerSecond: 0.2 } });
    await join(chat, 'team', 'ann', 'bob');
    const url = await onNode(chat.gateway);
    const [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob')];
    await ann.say('team', 'one');
    const refused = await ann.call('POST', '/conversations/team/messages', { body: 'two' });
    expect(refused).toMatchObject({ status: 429, json: { code: 'GATEWAY_TOO_MANY_REQUESTS', retryable: true } });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(5);
    // It is not one of requests, nor of others.
    expect((await ann.get('/unread')).status).toBe(200);
    await bob.say('team', 'three');
  });

  it('of requests holds for all of a user', async () => {
    const chat = await openChat({ limits: { requestsPerSecond: 2 } });
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    const answers = await Promise.all(Array.from({ length: 10 }, () => ann.get('/unread')));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
  });

  it('of streams is of each user', async () => {
    const chat = await openChat({ limits: { streamsPerUser: 2 } });
    const url = await onNode(chat.gateway);
    const statusOf = async (user: string) => (await new Caller(url, user).events()).response.status;
    expect(await Promise.all([statusOf('ann'), statusOf('ann')])).toEqual([200, 200]);
    expect(await statusOf('ann')).toBe(429);
    expect(await statusOf('bob')).toBe(200);
  });
});

describe('a token bucket', () => {
  it('gives as many at once as in a second, and tells when there is one again', () => {
    let now = 0;
    const limit = new RateLimit(4, () => now);
    expect(Array.from({ length: 5 }, () => limit.take('ann'))).toEqual([0, 0, 0, 0, 250]);
    now += 249;
    expect(limit.take('ann')).toBe(1);
    now += 1;
    expect(limit.take('ann')).toBe(0);
    expect(limit.take('bob')).toBe(0);
    now += 60_000;
    expect(Array.from({ length: 5 }, () => limit.take('ann'))).toEqual([0, 0, 0, 0, 250]);
  });

  it('forgets users, the one used longest ago first', () => {
    const limit = new RateLimit(1, () => 0);
    limit.take('ann');
    for (let i = 0; i < 9_999; i++) limit.take(`user ${i}`);
    expect(limit.take('ann')).toBe(1000);
    for (let i = 0; i < 50_000; i++) limit.take(`other ${i}`);
    expect(limit.size).toBe(10_000);
    expect(limit.take('ann')).toBe(0);
  });
});

describe('options', () => {
  const sync = { device: () => undefined } as unknown as MessageSync<string>;

  it.each<[string, unknown]>([
    ['authenticate', {}],
    ['authenticate', { authenticate: 'ann' }],
    ['authorize', { authenticate, authorize: true }],
    ['mayFound', { authenticate, mayFound: true }],
    ['onError', { authenticate, onError: {} }],
    ['limit', { authenticate, limit: {} }],
    ['limits', { authenticate, limits: 7 }],
    ['limits.pages', { authenticate, limits: { pages: 7 } }],
    ...Object.keys(DEFAULT_LIMITS).flatMap((name): [string, unknown][] =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '7', 2 ** 53].map((value) => [
        `limits.${name}`,
        { authenticate, limits: { [name]: name.endsWith('PerSecond') && value === 2 ** 53 ? 0 : value } },
      ]),
    ),
    ['limits.slowMs', { authenticate, limits: { slowMs: 2 ** 31 } }],
    ['limits.page', { authenticate, limits: { page: 10_001 } }],
    ['origins', { authenticate, origins: 'https://example.com' }],
    ['origins', { authenticate, origins: ['example.com'] }],
    ['origins', { authenticate, origins: ['https://example.com/'] }],
    ['basePath', { authenticate, basePath: 'chat' }],
    ['basePath', { authenticate, basePath: '/chat/' }],
    ['basePath', { authenticate, basePath: '/chat?a' }],
  ])('%s is refused in %j', (argument, options) => {
    let refused: unknown;
    try {
      createGateway(sync, options as GatewayOptions);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', argument });
  });

  it('are all told by their names', () => {
    expect(() => createGateway({} as MessageSync<string>, { authenticate })).toThrow(/^sync must be a MessageSync/);
    expect(() => createGateway(sync, { authenticate, start: 'newest' as 'now' })).toThrow(/^start must be/);
  });
});
