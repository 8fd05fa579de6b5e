import { expect, it } from 'vitest';
import type { ChatClient } from '../../client/index.js';
import { until } from '../support/until.js';
import { onStores, Person, startServer } from './support/world.js';

const listed = ({ conversations }: ChatClient<string>) =>
  conversations.getSnapshot().map(({ conversation, unread, last }) => `${conversation} ${unread} ${last?.body}`);

async function untilListed(chat: ChatClient<string>, expected: readonly string[]): Promise<void> {
  const text = JSON.stringify(expected);
  await until(`the list is ${text}`, () => JSON.stringify(listed(chat)) === text).catch((error) => {
    throw new Error(`${error.message}, but ${JSON.stringify(listed(chat))}`);
  });
}

onStores('the list', (kind) => {
  it('follows what comes, is read and is configured, on every device; totals agree with the server', async () => {
    const server = await startServer(kind);
    const ann = new Person(server.url, 'ann');
    const bob = new Person(server.url, 'bob', { device: 'phone' });
    const tablet = new Person(server.url, 'bob', { device: 'tablet' });
    for (const name of ['a', 'b']) {
      await ann.found(name, 'ann', 'bob');
      await ann.chat.send(name, `${name}1`).sent;
    }
    const devices = [bob.chat, tablet.chat];
    for (const chat of devices) await untilListed(chat, ['b 1 b1', 'a 1 a1']);
    const second = await ann.chat.send('a', 'a2', { mentions: ['bob'] }).sent;
    for (const chat of devices) await untilListed(chat, ['a 2 a2', 'b 1 b1']);
    await ann.chat.edit('a', second, 'a2!').sent;
    for (const chat of devices) await untilListed(chat, ['a 2 a2!', 'b 1 b1']);
    expect(bob.chat.unread.getSnapshot()).toEqual({ messages: 3, mentions: 1, conversations: 2, capped: false });
    (await bob.loaded('a')).markRead();
    expect(listed(bob.chat)).toEqual(['a 0 a2!', 'b 1 b1']);
    for (const chat of devices) await untilListed(chat, ['a 0 a2!', 'b 1 b1']);
    await bob.chat.configure('b', { pinned: true });
    for (const chat of devices) await untilListed(chat, ['b 1 b1', 'a 0 a2!']);
    await ann.found('c', 'ann', 'bob');
    const first = await ann.chat.send('c', 'c1').sent;
    for (const chat of devices) await untilListed(chat, ['b 1 b1', 'c 1 c1', 'a 0 a2!']);
    await ann.chat.recall('c', first).sent;
    for (const chat of devices) await untilListed(chat, ['b 1 b1', 'c 0 undefined', 'a 0 a2!']);
    for (const chat of devices) {
      const { messages, mentions, conversations, capped } = chat.unread.getSnapshot();
      expect({ messages, mentions, conversations, capped }).toEqual(await chat.request('GET', '/unread'));
    }
  });
});

it('signals reach members; events come as a loop too, which ends with the client', async () => {
  const server = await startServer();
  const [ann, bob] = [new Person(server.url, 'ann'), new Person(server.url, 'bob')];
  await ann.found('team', 'ann', 'bob');
  await bob.live();
  const types: string[] = [];
  const loop = (async () => {
    for await (const { type, value } of bob.chat.events()) types.push(type === 'state' ? value : type);
  })();
  const heard: unknown[] = [];
  bob.chat.on('signal', ({ conversation, from, body }) => heard.push([conversation, from, body]));
  await ann.chat.conversation('team').signal({ typing: true });
  await until('the signal is heard', () => heard.length > 0);
  expect(heard).toEqual([['team', 'ann', { typing: true }]]);
  await ann.chat.send('team', 'hello').sent;
  await until('the message has come', () => bob.bodies.length > 0);
  await bob.chat.close();
  await loop;
  expect(types).toEqual(['signal', 'message', 'closed']);
  expect(() => bob.chat.send('team', 'late')).toThrow('closed');
});
