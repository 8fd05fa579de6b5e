import { expect, it, onTestFinished } from 'vitest';
import type { OpenChatStorage, StoredOutgoing } from '../../client/index.js';
import { membersOnly } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { onStores, Person, type Server, shown, startServer, TRANSPORTS, untilShown } from './support/world.js';

const LONG_MS = 120_000;
const COUNT = nightly ? 1000 : 300;

/** Counts the requests that send messages. */
function counted(): { readonly fetch: typeof fetch; sends: string[] } {
  const counts = {
    sends: [] as string[],
    fetch: (async (url: string, init: RequestInit) => {
      const path = /\/(messages|batch)$/.exec(url)?.[1];
      if (init.method === 'POST' && path) counts.sends.push(path);
      return fetch(url, init);
    }) as typeof fetch,
  };
  return counts;
}

/** Bodies as they are stored, read by another user. */
async function stored(server: Server, user = 'bob'): Promise<string[]> {
  const reader = new Person(server.url, user, { pageSize: 200 });
  const team = await reader.loaded('team');
  while (team.hasOlder) await team.loadOlder();
  return shown(team);
}

onStores('what waits in a conversation', (kind) => {
  it(
    'is sent in few requests, and arrives once and in order',
    async () => {
      const server = await startServer(kind);
      const { fetch, sends } = counted();
      const ann = new Person(server.url, 'ann', { device: 'laptop', fetch });
      const bob = new Person(server.url, 'bob');
      await ann.found('team', 'ann', 'bob');
      await ann.found('other', 'ann', 'bob');
      const [left, right] = [await ann.loaded('team'), await bob.loaded('team')];
      for (const person of [ann, bob]) await person.live();
      const bodies = numbered(COUNT);
      const sent = bodies.map((body) => ann.chat.send('team', body).sent);
      const other = ann.chat.send('other', 'meanwhile');
      const seqIds = await Promise.all(sent);
      await other.sent;
      expect(seqIds).toEqual([...seqIds].sort((a, b) => (a < b ? -1 : 1)));
      expect(sends.length).toBeLessThanOrEqual(COUNT / 100 + 2);
      for (const [person, view] of [
        [ann, left],
        [bob, right],
      ] as const) {
        await until('all has arrived', () => person.bodies.length === COUNT + 1, LONG_MS);
        expect(person.bodies.filter((body) => body !== 'meanwhile')).toEqual(bodies);
        await untilShown(view, bodies);
      }
      expect(left.messages.every(({ isOwn, key }) => isOwn && !key.startsWith('#'))).toBe(true);
    },
    LONG_MS,
  );
});

it('edits and recalls keep their places among messages', async () => {
  const server = await startServer();
  const ann = new Person(server.url, 'ann', { device: 'laptop' });
  await ann.found('team', 'ann', 'bob');
  const team = await ann.loaded('team');
  const [one, two] = await Promise.all(['one', 'two'].map((body) => ann.chat.send('team', body).sent));
  const calls = [
    ann.chat.send('team', 'three'),
    ann.chat.send('team', 'four'),
    ann.chat.edit('team', one!, 'uno'),
    ann.chat.react('team', two!, '👍'),
    ann.chat.recall('team', two!),
    ann.chat.send('team', 'five'),
  ];
  const seqIds = await Promise.all(calls.map(({ sent }) => sent));
  expect(seqIds).toEqual([...seqIds].sort((a, b) => (a < b ? -1 : 1)));
  await untilShown(team, ['uno (edited)', '(recalled) [ann:👍]', 'three', 'four', 'five']);
});

it('a message that is refused fails alone; those behind it are sent, in order', async () => {
  const members = membersOnly();
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => (value === 'rude' ? { issues: [{ message: 'is rude' }] } : { value }),
    },
  };
  const server = await startServer('memory', { sync: { authorize: members, schema } });
  const ann = new Person(server.url, 'ann', { device: 'laptop' });
  await ann.found('team', 'ann', 'bob');
  const team = await ann.loaded('team');
  const bodies = numbered(30);
  bodies[10] = bodies[11] = bodies[20] = 'rude';
  const sent = bodies.map((body) => ann.chat.send('team', body));
  const results = await Promise.allSettled(sent.map((each) => each.sent));
  expect(results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([10, 11, 20]);
  expect(sent[10]!.error).toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', status: 400, retryable: false });
  const fine = bodies.filter((body) => body !== 'rude');
  await untilShown(team, [...fine, ...Array(3).fill('rude (failed)')]);
  expect(await stored(server)).toEqual(fine);
});

it('a batch that is too large is sent message by message', async () => {
  const server = await startServer('memory', { gateway: { limits: { batchBytes: 2000, batch: 5 } } });
  const { fetch, sends } = counted();
  const ann = new Person(server.url, 'ann', { fetch });
  await ann.found('team', 'ann', 'bob');
  await ann.live();
  const bodies = numbered(40);
  await Promise.all(bodies.map((body) => ann.chat.send('team', body).sent));
  expect(await stored(server)).toEqual(bodies);
  expect(sends.filter((path) => path === 'batch').length).toBeLessThan(3);
});

it('more messages than the server takes in a second wait, and keep their order', async () => {
  const server = await startServer('memory', { gateway: { limits: { sendsPerSecond: 2 } } });
  const ann = new Person(server.url, 'ann');
  await (await server.sync.join('team', ['ann', 'bob'])).delivered;
  await ann.live();
  const bodies = numbered(6);
  const started = performance.now();
  await Promise.all(bodies.map((body) => ann.chat.send('team', body).sent));
  expect(performance.now() - started).toBeGreaterThan(1500);
  expect(await stored(server)).toEqual(bodies);
});

it.each(TRANSPORTS)('a batch whose answer is lost is sent again, and stored once (%s)', async (transport) => {
  const server = await startServer();
  const proxy = await TcpProxy.start(server.port);
  onTestFinished(() => proxy.stop());
  const ann = new Person(`http://127.0.0.1:${proxy.port}`, 'ann', { transport, device: 'laptop' });
  await ann.found('team', 'ann', 'bob');
  const team = await ann.loaded('team');
  await ann.live();
  const bodies = numbered(50);
  proxy.cutNextReplyTo('POST /conversations/team/batch');
  const lengths = new Set<number>();
  const sent = bodies.map((body) => ann.chat.send('team', body).sent);
  team.subscribe(() => lengths.add(team.messages.length));
  await Promise.all(sent);
  await until('all has arrived', () => ann.bodies.length === 50);
  await untilShown(team, bodies);
  expect([...lengths]).toEqual([50]);
  expect(ann.errors.length).toBeGreaterThan(0);
  expect(await stored(server)).toEqual(bodies);
});

it.each(TRANSPORTS)(
  '1,000 messages at once outlive a network that is cut every 100 ms (%s)',
  async (transport) => {
    const server = await startServer();
    const proxy = await TcpProxy.start(server.port);
    onTestFinished(() => proxy.stop());
    const url = `http://127.0.0.1:${proxy.port}`;
    const ann = new Person(url, 'ann', { transport, device: 'laptop', pageSize: 200 });
    const bob = new Person(url, 'bob', { transport, pageSize: 200 });
    await ann.found('team', 'ann', 'bob');
    for (const person of [ann, bob]) await person.loaded('team');
    const cutting = setInterval(() => proxy.cut(), 100);
    onTestFinished(() => clearInterval(cutting));
    const bodies = numbered(1000);
    for (let i = 0; i < bodies.length; i += 250) {
      await Promise.all(bodies.slice(i, i + 250).map((body) => ann.chat.send('team', body).sent));
    }
    for (const person of [ann, bob]) {
      await until('all has arrived', () => person.bodies.length >= 1000, LONG_MS);
      expect(person.bodies).toEqual(bodies);
    }
    expect(await stored(server)).toEqual(bodies);
  },
  LONG_MS,
);

it('a token that expires between two batches is asked for again', async () => {
  let uses = 0;
  const authenticate = (request: Request) => {
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const isSend = request.url.endsWith('/batch');
    if (isSend && token === 't0' && ++uses > 1) return undefined;
    return token.startsWith('t') ? { user: 'ann' } : { user: token };
  };
  const server = await startServer('memory', { gateway: { authenticate } });
  let asked = 0;
  const ann = new Person(server.url, 'ann', { token: async () => `t${asked++}` });
  await ann.found('team', 'ann', 'bob');
  await ann.live();
  const bodies = numbered(300);
  await Promise.all(bodies.map((body) => ann.chat.send('team', body).sent));
  expect(asked).toBe(2);
  expect(await stored(server)).toEqual(bodies);
});

it('500 messages that wait in a storage are sent in order by the next client', async () => {
  const server = await startServer();
  const kept = new Map<string, StoredOutgoing>();
  const storage = {
    open: async (): Promise<OpenChatStorage> => ({
      all: async () => [...kept.values()].reverse(),
      put: async (item) => void kept.set(item.key, structuredClone(item)),
      remove: async (key) => void kept.delete(key),
      close: () => {},
    }),
  };
  const founder = new Person(server.url, 'ann');
  await founder.found('team', 'ann', 'bob');
  const offline = new Person('http://127.0.0.1:1', 'ann', { storage });
  const bodies = numbered(500);
  for (const body of bodies) offline.chat.send('team', body);
  await until('all are kept', () => kept.size === 500);
  await offline.chat.close();
  const { fetch, sends } = counted();
  const online = new Person(server.url, 'ann', { storage, device: 'laptop', fetch });
  const team = await online.loaded('team');
  await untilShown(team, bodies);
  await until('nothing is kept', () => kept.size === 0);
  expect(sends.length).toBeLessThanOrEqual(6);
  expect(await stored(server)).toEqual(bodies);
});
