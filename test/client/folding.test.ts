import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { onStores, Person, shown, startServer, untilShown } from './support/world.js';

onStores('what comes later', (kind) => {
  it('is folded into messages: edits, recalls, reactions, receipts; history shows the same', async () => {
    const server = await startServer(kind);
    const ann = new Person(server.url, 'ann', { device: 'laptop' });
    const bob = new Person(server.url, 'bob');
    await ann.found('team', 'ann', 'bob');
    const [left, right] = [await ann.loaded('team'), await bob.loaded('team')];
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map((body) => ann.chat.send('team', body).sent),
    );
    await untilShown(right, ['one', 'two', 'three']);
    ann.chat.edit('team', one!, 'uno');
    expect(shown(left)[0]).toBe('uno (edited) (pending)');
    ann.chat.recall('team', two!);
    expect(shown(left)[1]).toBe('(recalled) (pending)');
    bob.chat.react('team', three!, '👍');
    expect(shown(right)[2]).toBe('three [bob:👍]');
    const later = ['uno (edited)', '(recalled)', 'three [bob:👍]'];
    for (const conversation of [left, right]) await untilShown(conversation, later);
    const heart = await bob.chat.react('team', three!, '❤️').sent;
    await ann.chat.react('team', three!, '🎉').sent;
    for (const conversation of [left, right])
      await untilShown(conversation, [...later.slice(0, 2), 'three [bob:❤️ ann:🎉]']);
    // The one before counts again.
    await bob.chat.recall('team', heart).sent;
    for (const conversation of [left, right])
      await untilShown(conversation, [...later.slice(0, 2), 'three [bob:👍 ann:🎉]']);
    right.markRead();
    await until('ann gets the receipt', () => left.messages[2]?.readBy.includes('bob') ?? false);
    expect(left.messages.map(({ readBy }) => readBy)).toEqual([['bob'], ['bob'], ['bob']]);
    expect(right.messages.map(({ readBy }) => readBy)).toEqual([[], [], []]);
    const anew = await new Person(server.url, 'ann').loaded('team');
    await until('the ticks are there', () => anew.messages.every(({ readBy }) => readBy.includes('bob')));
    const again = new Person(server.url, 'bob');
    await untilShown(await again.loaded('team'), shown(right));
  });
});

it('a refused message says so, and can be tried again or discarded', async () => {
  const server = await startServer();
  const ann = new Person(server.url, 'ann');
  const eve = new Person(server.url, 'eve');
  await ann.found('team', 'ann');
  const team = eve.chat.conversation('team');
  const refused = [eve.chat.send('team', 'let me in'), eve.chat.send('team', 'please')];
  for (const each of refused)
    await expect(each.sent).rejects.toMatchObject({ code: 'TIMELINE_FORBIDDEN', status: 403 });
  expect(shown(team)).toEqual(['let me in (failed)', 'please (failed)']);
  expect(team.messages[0]?.outgoing?.error?.code).toBe('TIMELINE_FORBIDDEN');
  await (await server.sync.join('team', ['eve'])).delivered;
  refused[1]?.discard();
  refused[0]?.retry();
  expect(shown(team)).toEqual(['let me in (pending)']);
  await refused[0]?.sent;
  await until('the history is there', () => team.isLoaded);
  await untilShown(team, ['let me in']);
});

it('5,000 messages are loaded page by page, while others come', async () => {
  const server = await startServer();
  const ann = new Person(server.url, 'ann', { pageSize: 200 });
  await ann.found('team', 'ann', 'bob');
  const bodies = numbered(5000);
  await Promise.all(bodies.map((body) => server.sync.send({ conversation: 'team', sender: 'bob', body })));
  const team = await ann.loaded('team');
  await ann.live();
  expect(shown(team)).toEqual(bodies.slice(-200));
  let pages = 0;
  while (team.hasOlder) {
    const [added, same] = [team.loadOlder(), team.loadOlder()];
    const sent = server.sync.send({ conversation: 'team', sender: 'bob', body: `while ${pages++}` });
    expect([await added, await same]).toEqual([200, 200]);
    await sent;
  }
  expect(pages).toBe(24);
  await untilShown(team, [...bodies, ...numbered(24, 'while ')]);
  expect(await team.loadOlder()).toBe(0);
});

it('a change that comes while its page is under way is not lost', async () => {
  const server = await startServer();
  const ann = new Person(server.url, 'ann', { pageSize: 5 });
  await ann.found('team', 'ann', 'bob');
  const sent = [];
  for (const body of numbered(10)) sent.push(await server.sync.send({ conversation: 'team', sender: 'bob', body }));
  const team = await ann.loaded('team');
  await ann.live();
  for (const [i, { seqId }] of sent.slice(0, 5).entries()) {
    const page = i === 2 ? team.loadOlder() : undefined;
    await server.sync.edit('team', seqId, `edited ${i}`);
    await page;
  }
  const edited = numbered(5, 'edited ').map((body) => `${body} (edited)`);
  await untilShown(team, [...edited, ...numbered(10).slice(5)]);
});

it('a device built again replaces what is shown', async () => {
  const ttlMs = 3000;
  const server = await startServer('memory', { sync: { ttlMs, resyncLast: 2 } });
  let isOffline = false;
  const ann = new Person(server.url, 'ann', {
    device: 'laptop',
    transport: 'sse',
    fetch: async (...request) => {
      if (isOffline) throw new Error('no network');
      return fetch(...request);
    },
  });
  let resyncs = 0;
  ann.chat.on('resync', () => resyncs++);
  await ann.found('team', 'ann', 'bob');
  const team = await ann.loaded('team');
  await server.sync.send({ conversation: 'team', sender: 'bob', body: 'seen' });
  await untilShown(team, ['seen']);
  await until('it is acknowledged', async () => {
    const { messages } = await server.sync.device('ann', 'laptop').pull();
    return messages.length === 0;
  });
  isOffline = true;
  await server.kill();
  await server.start();
  for (const body of numbered(4))
    await (await server.sync.send({ conversation: 'team', sender: 'bob', body })).delivered;
  await until('it has expired', async () => (await server.sync.device('ann', 'laptop').pull()).resynced);
  await (await server.sync.send({ conversation: 'team', sender: 'bob', body: 'fresh' })).delivered;
  isOffline = false;
  await until('the device is built again', () => resyncs > 0);
  await untilShown(team, ['seen', ...numbered(4), 'fresh']);
  await until('the rebuilt has arrived', () => ann.bodies.includes('fresh'));
  expect(ann.bodies.slice(0, 1)).toEqual(['seen']);
});

it('a token that has expired is asked for again', async () => {
  const valid = new Set(['t0']);
  const authenticate = (request: Request) => {
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    return valid.has(token) ? { user: 'ann' } : undefined;
  };
  const server = await startServer('memory', { gateway: { authenticate } });
  for (const transport of ['sse', 'websocket'] as const) {
    valid.add('t0');
    let asked = 0;
    const ann = new Person(server.url, 'ann', { transport, token: async () => `t${asked++}` });
    await ann.found('team', 'ann');
    await ann.live();
    expect(asked).toBe(1);
    valid.delete('t0');
    valid.add('t1');
    const sent = [ann.chat.send('team', 'one').sent, ann.chat.send('other', 'two').sent];
    await Promise.allSettled(sent);
    await sent[0];
    expect(asked).toBe(2);
    await server.kill();
    valid.delete('t1');
    valid.add('t2');
    await server.start();
    await until('it is live again', () => asked === 3 && ann.chat.state === 'live');
    await ann.chat.close();
  }
});
