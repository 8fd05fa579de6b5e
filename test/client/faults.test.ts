import { expect, it, onTestFinished } from 'vitest';
import { nightly } from '../support/nightly.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { onStores, Person, type StoreKind, shown, startServer, TRANSPORTS, untilShown } from './support/world.js';

const COUNT = 300;
/** Two processes start again in between, on machines that do other things too. */
const LONG_MS = 240_000;

async function proxyTo(port: number): Promise<TcpProxy & { url: string }> {
  const proxy = await TcpProxy.start(port);
  onTestFinished(() => proxy.stop());
  return Object.assign(proxy, { url: `http://127.0.0.1:${proxy.port}` });
}

/** Two people send to each other, and get everything once and in order. */
async function converse(ann: Person, bob: Person, disturb: (sent: number) => unknown): Promise<void> {
  const [left, right] = [ann.chat.conversation('team'), bob.chat.conversation('team')];
  const [ofAnn, ofBob] = [numbered(COUNT / 2, 'a'), numbered(COUNT / 2, 'b')];
  for (const [i, body] of ofAnn.entries()) {
    const sent = [ann.chat.send('team', body), bob.chat.send('team', ofBob[i] as string)];
    await disturb(i);
    // A conversation: mostly, one waits for the other.
    if (i % 3 > 0) await Promise.all(sent.map((each) => each.sent));
  }
  for (const person of [ann, bob])
    await until(
      'everything has arrived',
      () => person.entries.filter(({ kind }) => kind === 'message').length >= COUNT,
      LONG_MS,
    );
  const all = left.messages.map(({ body }) => body);
  for (const each of [all, ann.bodies]) {
    expect(each.filter((body) => body?.startsWith('a'))).toEqual(ofAnn);
    expect(each.filter((body) => body?.startsWith('b'))).toEqual(ofBob);
  }
  expect(bob.bodies).toEqual(ann.bodies);
  await untilShown(left, ann.bodies);
  await untilShown(right, ann.bodies);
  const seqIds = left.messages.map(({ seqId }) => seqId as bigint);
  expect(seqIds).toEqual([...seqIds].sort((a, b) => (a < b ? -1 : 1)));
  expect([ann, bob].flatMap(({ chat }) => chat.outbox.getSnapshot())).toEqual([]);
}

const KINDS: readonly StoreKind[] = nightly ? ['memory', 'sqlite', 'redis', 'tablestore'] : ['sqlite', 'redis'];
const outliveKills = (kind: StoreKind) => {
  it.each(nightly ? TRANSPORTS : ([kind === 'redis' ? 'websocket' : 'sse'] as const))(
    'outlive a server that is killed and started again (%s)',
    async (transport) => {
      const server = await startServer(kind);
      const ann = new Person(server.url, 'ann', { transport, device: 'laptop', pageSize: 200 });
      const bob = new Person(server.url, 'bob', { transport, pageSize: 200 });
      await ann.found('team', 'ann', 'bob');
      for (const person of [ann, bob]) await person.loaded('team');
      await converse(ann, bob, async (sent) => {
        if (sent !== 50 && sent !== 100) return;
        await server.kill();
        await server.start();
      });
      expect(ann.states.filter((state) => state === 'offline').length).toBeGreaterThan(0);
    },
    LONG_MS,
  );
};
onStores('300 messages', outliveKills, KINDS);

it.each(nightly ? TRANSPORTS : (['sse'] as const))(
  '300 messages outlive a network that is cut every 100 ms (%s)',
  async (transport) => {
    const server = await startServer();
    const proxy = await proxyTo(server.port);
    const ann = new Person(proxy.url, 'ann', { transport, device: 'laptop', pageSize: 200 });
    const bob = new Person(proxy.url, 'bob', { transport, pageSize: 200 });
    await ann.found('team', 'ann', 'bob');
    for (const person of [ann, bob]) await person.loaded('team');
    const cutting = setInterval(() => proxy.cut(), 100);
    onTestFinished(() => clearInterval(cutting));
    await converse(ann, bob, () => undefined);
    expect(ann.states.filter((state) => state === 'offline').length).toBeGreaterThan(0);
  },
  LONG_MS,
);

it.each(TRANSPORTS)('a silent network is noticed, and left for a new connection (%s)', async (transport) => {
  const server = await startServer('memory', { gateway: { limits: { heartbeatMs: 100 } } });
  const proxy = await proxyTo(server.port);
  const ann = new Person(server.url, 'ann');
  const bob = new Person(proxy.url, 'bob', { transport, timeoutMs: 1000 });
  await ann.found('team', 'ann', 'bob');
  const seen = await bob.loaded('team');
  await bob.live();
  proxy.silence();
  await ann.chat.send('team', 'unheard').sent;
  const { sent } = bob.chat.send('team', 'from the tunnel');
  await until('bob knows', () => bob.chat.state === 'offline');
  proxy.heal();
  await sent;
  await untilShown(seen, ['unheard', 'from the tunnel']);
  await until('both have arrived', () => bob.bodies.length > 1);
  expect(bob.bodies).toEqual(['unheard', 'from the tunnel']);
});

onStores('messages sent without a server', (kind) => {
  it('keep their order, and are sent once', async () => {
    const server = await startServer(kind);
    const ann = new Person(server.url, 'ann', { device: 'laptop' });
    await ann.found('team', 'ann', 'bob');
    await ann.found('other', 'ann', 'bob');
    const team = await ann.loaded('team');
    await server.kill();
    await until('ann is offline', () => ann.chat.state === 'offline');
    const bodies = numbered(40);
    for (const body of bodies) {
      ann.chat.send('team', body);
      ann.chat.send('other', body);
    }
    expect(shown(team)).toEqual(bodies.map((body) => `${body} (pending)`));
    expect(ann.chat.outbox.getSnapshot()).toHaveLength(80);
    await server.start();
    await untilShown(team, bodies);
    await until('the outbox is empty', () => ann.chat.outbox.getSnapshot().length === 0);
    const bob = new Person(server.url, 'bob');
    for (const name of ['team', 'other']) expect(shown(await bob.loaded(name))).toEqual(bodies);
  });
});

it('an answer that is lost is asked for again: the message is stored and shown once', async () => {
  const server = await startServer();
  const proxy = await proxyTo(server.port);
  const ann = new Person(proxy.url, 'ann', { device: 'laptop' });
  await ann.found('team', 'ann');
  const team = await ann.loaded('team');
  await ann.live();
  const lengths = new Set<number>();
  team.subscribe(() => lengths.add(team.messages.length));
  proxy.cutNextReplyTo('POST /conversations/team/messages');
  const { sent } = ann.chat.send('team', 'once');
  await sent;
  await until('it has arrived', () => ann.bodies.length > 0);
  await untilShown(team, ['once']);
  expect([...lengths]).toEqual([1]);
  expect((await server.sync.messages('team')).messages).toHaveLength(1);
});
