import { once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLOSE_CODES, type GatewaySocket, type PulledPage } from '../../http/index.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { type Chat, join, openChat } from './support/chat.js';
import { bodiesOf, Caller, inShort, lastId } from './support/client.js';
import { onNodeWithSockets, SocketReader } from './support/sockets.js';

let chat: Chat;
let url: string;
let ann: Caller;
const phone = { 'x-device': 'phone' };

beforeEach(async () => {
  chat = await openChat({ limits: { authMs: 300 } });
  await join(chat, 'team', 'ann', 'bob');
  url = await onNodeWithSockets(chat.gateway);
  ann = new Caller(url, 'ann');
});

/** Messages that bob's device has not acknowledged. */
const pending = async () =>
  (await new Caller(url, 'bob', phone).get<PulledPage<string>>('/pull')).json.messages.map(({ body }) => body);

describe('a WebSocket', () => {
  it('has the same frames as server-sent events', async () => {
    const seqId = await ann.say('team', 'one');
    await ann.call('PATCH', `/conversations/team/messages/${seqId}`, { body: 'two' });
    const bob = new Caller(url, 'bob', phone);
    const sse = await (await bob.events()).untilCaughtUp();
    const socket = await SocketReader.as('bob', url, phone);
    expect(await socket.untilCaughtUp()).toEqual(sse);
    expect(sse.map(inShort)).toEqual(['ready', 'two', `edit ${seqId}`, 'caught-up']);
  });

  it('stores what the device acknowledges', async () => {
    for (const body of ['one', 'two']) await ann.say('team', body);
    const socket = await SocketReader.as('bob', url, phone);
    const frames = await socket.untilCaughtUp();
    expect(await pending()).toEqual(['one', 'two']);
    socket.send({ type: 'ack', cursor: lastId(frames)! });
    await until('the acknowledgement is stored', async () => (await pending()).length === 0);
  });

  it('goes on from the parameter last-event-id, which acknowledges where the server keeps the position', async () => {
    await ann.say('team', 'one');
    for (const headers of [{}, phone]) {
      const frames = await (await SocketReader.as('bob', `${url}/events`, headers)).untilCaughtUp();
      const at = `${url}/events?last-event-id=${encodeURIComponent(lastId(frames)!)}`;
      expect(bodiesOf(await (await SocketReader.as('bob', at, headers)).untilCaughtUp())).toEqual([]);
    }
    expect(await pending()).toEqual([]);
  });

  it('stores many acknowledgements as few', async () => {
    const quiet = await openChat({ limits: { ackMs: 60_000 } });
    await join(quiet, 'team', 'ann', 'bob');
    let acks = 0;
    const device = quiet.sync.device('bob', 'phone');
    const ack = device.ack.bind(device);
    device.ack = (cursor) => {
      acks++;
      return ack(cursor);
    };
    const at = await onNodeWithSockets(quiet.gateway);
    const socket = await SocketReader.as('bob', at, phone);
    await socket.untilCaughtUp();
    for (const body of numbered(50)) {
      await (await quiet.sync.send({ conversation: 'team', sender: 'ann', body })).delivered;
      const [frame] = await socket.until(({ event }) => event === 'message');
      socket.send({ type: 'ack', cursor: lastId([frame!])! });
    }
    socket.socket.close();
    await socket.closed;
    // The last one is stored when the connection ends.
    await until('all is acknowledged', async () => (await device.pull()).messages.length === 0);
    expect(acks).toBeLessThanOrEqual(3);
  });

  it('passes signals on, and drops those that are refused', async () => {
    const [from, to] = [await SocketReader.as('ann', url), await SocketReader.as('bob', url)];
    await Promise.all([from.untilCaughtUp(), to.untilCaughtUp()]);
    from.send({ type: 'signal', conversation: 'elsewhere', body: 'refused' });
    from.send({ type: 'signal', conversation: 'team', body: { typing: true } });
    const [signal] = await to.until(({ event }) => event === 'signal');
    expect(signal).toMatchObject({ data: { conversation: 'team', from: 'ann', body: { typing: true } } });
    expect(from.socket.readyState).toBe(from.socket.OPEN);
    expect(chat.errors).toEqual([]);
  });

  it('goes on from the position that the client keeps', async () => {
    await ann.say('team', 'one');
    const first = await SocketReader.as('bob', `${url}/events?after=`);
    const frames = await first.untilCaughtUp();
    await ann.say('team', 'two');
    const at = `${url}/events?after=${encodeURIComponent(lastId(frames)!)}`;
    expect(bodiesOf(await (await SocketReader.as('bob', at)).untilCaughtUp())).toEqual(['two']);
    // There is nothing to acknowledge.
    first.send({ type: 'ack', cursor: lastId(frames)! });
    expect((await first.closed)[0]).toBe(CLOSE_CODES.malformed);
  });

  it('closes with what the client has to do', async () => {
    const refused = await SocketReader.as('bob', `${url}/events?after=nonsense`);
    expect((await refused.closed)[0]).toBe(CLOSE_CODES.positionRefused);
    expect(refused.frames.at(-1)).toMatchObject({
      event: 'closing',
      data: { reason: 'refused', resume: false, problem: { code: 'TIMELINE_INVALID_CURSOR' } },
    });
    const acking = await SocketReader.as('bob', url, phone);
    acking.send({ type: 'ack', cursor: 'nonsense' });
    expect((await acking.closed)[0]).toBe(CLOSE_CODES.positionRefused);
    const draining = await SocketReader.as('bob', url);
    await draining.untilCaughtUp();
    await chat.gateway.drain();
    expect(await draining.closed).toEqual([CLOSE_CODES.resume, 'drain']);
    expect(draining.frames.at(-1)).toEqual({ event: 'closing', data: { reason: 'drain', resume: true } });
    const late = await SocketReader.as('bob', url);
    expect((await late.closed)[0]).toBe(CLOSE_CODES.resume);
    expect(chat.errors).toEqual([]);
  });

  it('counts against the streams of the user', async () => {
    const small = await openChat({ limits: { streamsPerUser: 2 } });
    const at = await onNodeWithSockets(small.gateway);
    const [first, second] = [await SocketReader.as('bob', at), await new Caller(at, 'bob').events()];
    await Promise.all([first.untilCaughtUp(), second.untilCaughtUp()]);
    expect((await (await SocketReader.as('bob', at)).closed)[0]).toBe(CLOSE_CODES.tooMany);
    const other = await SocketReader.as('ann', at);
    await other.untilCaughtUp();
    first.socket.close();
    await first.closed;
    await until('there is room again', async () => {
      const again = await SocketReader.as('bob', at);
      return (await Promise.race([again.untilCaughtUp(), again.closed]))[0] !== CLOSE_CODES.tooMany;
    });
  });

  it('counts against the requests of the user', async () => {
    const small = await openChat({ limits: { requestsPerSecond: 0.1 } });
    const at = await onNodeWithSockets(small.gateway);
    await (await SocketReader.as('bob', at)).untilCaughtUp();
    expect((await (await SocketReader.as('bob', at)).closed)[0]).toBe(CLOSE_CODES.tooMany);
  });

  it('beats', async () => {
    const lively = await openChat({ limits: { heartbeatMs: 20 } });
    const socket = await SocketReader.as('bob', await onNodeWithSockets(lively.gateway));
    const beats = await socket.until(({ event }) => event === 'ping');
    expect(beats.map(inShort)).toEqual(['ready', 'caught-up', 'ping']);
  });
});

/** One as other servers have it: with the interface of browsers, and not open yet when it is handed over. */
class BrowserLikeSocket extends EventTarget {
  readyState = 0;
  readonly bufferedAmount = 0;
  readonly sent: string[] = [];

  send(data: string): void {
    if (this.readyState === 0) throw new Error('not open yet');
    this.sent.push(data);
    this.dispatchEvent(new Event('sent'));
  }

  close(): void {
    this.readyState = 3;
    this.dispatchEvent(new Event('close'));
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }
}

const upgrade = () => new Request(`${url}/events`, { headers: { authorization: 'Bearer bob' } });

describe('a socket of another server', () => {
  it('is served once it is open', async () => {
    const socket = new BrowserLikeSocket();
    const sent = once(socket, 'sent');
    chat.gateway.socket(socket as unknown as GatewaySocket, upgrade());
    socket.open();
    await sent;
    expect(JSON.parse(socket.sent[0]!)).toMatchObject({ event: 'ready', data: { user: 'bob' } });
    await chat.gateway.drain();
    expect(JSON.parse(socket.sent.at(-1)!)).toMatchObject({ event: 'closing', data: { reason: 'drain' } });
  });

  it('may be gone before it is open', async () => {
    const socket = new BrowserLikeSocket();
    chat.gateway.socket(socket as unknown as GatewaySocket, upgrade());
    socket.close();
    await chat.gateway.drain();
    expect(socket.sent).toEqual([]);
  });
});

describe('the user of a WebSocket', () => {
  it('comes from a subprotocol', async () => {
    const socket = await SocketReader.open(url, { protocols: ['timeline-model', 'bearer.bob'] });
    expect(socket.socket.protocol).toBe('timeline-model');
    expect((await socket.untilCaughtUp())[0]).toMatchObject({ data: { user: 'bob' } });
  });

  it('comes from the first frame; other frames wait for it', async () => {
    await ann.say('team', 'one');
    const cursor = lastId(await (await SocketReader.as('bob', url, phone)).untilCaughtUp())!;
    const socket = await SocketReader.open(`${url}/events?device=phone`);
    socket.send({ type: 'ack', cursor });
    socket.send({ type: 'auth', token: 'bob' });
    expect((await socket.until(({ event }) => event === 'ready'))[0]).toMatchObject({
      data: { user: 'bob', device: 'phone', position: 'server' },
    });
    await until('the acknowledgement is stored', async () => (await pending()).length === 0);
  });

  it.each([
    ['is missing for too long', undefined],
    ['is nobody', { type: 'auth', token: '' } as const],
    ['is in no valid header', { type: 'auth', token: 'a\nb' } as const],
  ])('%s: closed as unauthorized', async (_, frame) => {
    const socket = await SocketReader.open(url);
    if (frame) socket.send(frame);
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.unauthorized);
    expect(socket.frames).toMatchObject([
      { event: 'closing', data: { resume: false, problem: { code: 'GATEWAY_UNAUTHENTICATED' } } },
    ]);
  });

  it('is not asked for a page of another origin', async () => {
    const socket = await SocketReader.as('bob', url, { origin: 'https://evil.example' });
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.forbidden);
    const own = await SocketReader.as('bob', url, { origin: url });
    await own.untilCaughtUp();
  });
});

describe('a frame of a client', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['null', 'null'],
    ['of no known type', '{"type":"subscribe"}'],
    ['with an unknown field', '{"type":"ack","cursor":"a","more":1}'],
    ['without a cursor', '{"type":"ack"}'],
    ['with a cursor that is no string', '{"type":"ack","cursor":7}'],
    ['of a signal without a body', '{"type":"signal","conversation":"team"}'],
    ['too long', JSON.stringify({ type: 'signal', conversation: 'team', body: 'x'.repeat(70_000) })],
  ])('%s: closed as malformed', async (_, text) => {
    const socket = await SocketReader.as('bob', url, phone);
    await socket.untilCaughtUp();
    socket.send(text);
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.malformed);
    expect(socket.frames.at(-1)).toMatchObject({ event: 'closing', data: { reason: 'refused', resume: false } });
  });

  it('of bytes: closed as malformed', async () => {
    const socket = await SocketReader.as('bob', url, phone);
    await socket.untilCaughtUp();
    socket.socket.send(Buffer.from('{"type":"ack","cursor":"a"}'));
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.malformed);
  });

  it('before the user is known: only some wait', async () => {
    const socket = await SocketReader.open(url);
    for (let i = 0; i < 20; i++) socket.send({ type: 'ack', cursor: 'a' });
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.tooMany);
  });
});
