import { describe, expect, it } from 'vitest';
import { join, openChat } from './support/chat.js';
import { bodiesOf, Caller, inShort } from './support/client.js';
import { SERVERS } from './support/servers.js';

describe.each(SERVERS)('the gateway on %s', (_, start) => {
  it('stores a message, and streams it to a device', async () => {
    const chat = await openChat();
    await join(chat, 'team', 'ann', 'bob');
    const url = await start(chat.gateway);
    const [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob', { 'x-device': 'phone' })];
    const events = await bob.events();
    expect(events.response.headers.get('content-type')).toBe('text/event-stream');
    expect((await events.untilCaughtUp()).map(inShort)).toEqual(['ready', 'caught-up']);
    const sent = await ann.call('POST', '/conversations/team/messages', { body: 'grüße' });
    expect(sent).toMatchObject({ status: 201, json: { seqId: expect.stringMatching(/^\d+$/), duplicate: false } });
    const frames = await events.until(({ event }) => event === 'message');
    expect(bodiesOf(frames)).toEqual(['grüße']);
    for (const path of ['/conversations/team/messages', '/pull']) {
      expect(await bob.get(path)).toMatchObject({ status: 200, json: { messages: [{ body: 'grüße' }] } });
    }
    const seqId = String((sent.json as unknown as { seqId: string }).seqId);
    expect((await bob.call('PUT', '/conversations/team/read', { seqId })).status).toBe(200);
    expect((await ann.call('DELETE', `/conversations/team/messages/${seqId}`)).status).toBe(200);
    expect(chat.errors).toEqual([]);
  });

  it('answers what it does not know with a problem', async () => {
    const chat = await openChat();
    const url = await start(chat.gateway);
    const { status, headers, json } = await new Caller(url, 'ann').call('GET', '/nothing');
    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(json).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'there is no "/nothing"',
      code: 'GATEWAY_NO_ROUTE',
      retryable: false,
    });
  });

  it('ends the stream of a client that goes', async () => {
    const chat = await openChat({ limits: { streamsPerUser: 1 } });
    const url = await start(chat.gateway);
    const ann = new Caller(url, 'ann');
    const first = await ann.events();
    await first.untilCaughtUp();
    expect((await ann.get('/events')).status).toBe(429);
    first.close();
    for (let status = 429; status !== 200; ) {
      const next = await ann.events();
      ({ status } = next.response);
    }
  });
});
