import { expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.js';
import { Person, startServer, TRANSPORTS } from './support/world.js';

/** A first pause of 40 seconds: longer than any test waits. */
const long = () => 100;

/** A network that can be down. */
class Network {
  isDown = false;
  /** Times at which messages were sent. */
  readonly sentAt: number[] = [];
  /** Of the next message that is sent. */
  answer: Response | undefined;

  readonly fetch = async (url: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
    if (this.isDown) throw new Error('no network');
    const { answer } = this;
    if (init?.method !== 'POST' || !String(url).endsWith('/messages')) return fetch(url, init);
    this.sentAt.push(performance.now());
    this.answer = undefined;
    return answer ?? fetch(url, init);
  };
}

it.each(TRANSPORTS)(
  'a request that is answered ends the pauses of the stream and of sending (%s)',
  async (transport) => {
    const server = await startServer();
    const net = new Network();
    const ann = new Person(server.url, 'ann', { fetch: net.fetch, random: long, transport, device: 'laptop' });
    await ann.found('team', 'ann', 'bob');
    await ann.live();
    net.isDown = true;
    await server.kill();
    const { sent } = ann.chat.send('team', 'waits');
    await until('both have failed', () => ann.chat.state === 'offline' && ann.errors.length >= 2);
    net.isDown = false;
    await server.start();
    await ann.chat.request('GET', '/unread');
    await sent;
    await ann.live();
  },
);

it.each(['online', 'visibilitychange'])('the event %s of the page ends pauses', async (type) => {
  const page = new EventTarget();
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
  });
  const server = await startServer();
  const net = new Network();
  net.isDown = true;
  const ann = new Person(server.url, 'ann', { fetch: net.fetch, random: long, transport: 'sse' });
  await until('it has failed', () => ann.chat.state === 'offline' && ann.errors.length > 0);
  net.isDown = false;
  page.dispatchEvent(new Event(type));
  await ann.live();
});

it('a pause that the server asks for is kept, whatever else is answered', async () => {
  const server = await startServer();
  const net = new Network();
  const ann = new Person(server.url, 'ann', { fetch: net.fetch, random: () => 0 });
  await ann.found('team', 'ann', 'bob');
  await ann.live();
  net.answer = Response.json({}, { status: 429, headers: { 'retry-after': '1' } });
  const { sent } = ann.chat.send('team', 'too much');
  await until('it is refused', () => ann.errors.length > 0);
  for (let i = 0; i < 10; i++) await ann.chat.request('GET', '/unread');
  expect(net.sentAt).toHaveLength(1);
  await sent;
  expect(net.sentAt[1]! - net.sentAt[0]!).toBeGreaterThan(950);
});
