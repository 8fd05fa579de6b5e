import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { onStores, Person, shown, startServer, TRANSPORTS, untilShown } from './support/world.js';

onStores('a conversation', (kind) => {
  it.each(TRANSPORTS)('shows what is sent, once and in order, on both sides (%s)', async (transport) => {
    const server = await startServer(kind);
    const ann = new Person(server.url, 'ann', { transport, device: 'laptop' });
    const bob = new Person(server.url, 'bob', { transport });
    await ann.found('team', 'ann', 'bob');
    const [left, right] = [await ann.loaded('team'), await bob.loaded('team')];
    const bodies = numbered(30);
    const sent = bodies.map((body) => ann.chat.send('team', body));
    expect(shown(left)).toEqual(bodies.map((body) => `${body} (pending)`));
    expect(ann.chat.outbox.getSnapshot()).toHaveLength(30);
    const seqIds = await Promise.all(sent.map((each) => each.sent));
    expect(seqIds).toEqual([...seqIds].sort((a, b) => (a < b ? -1 : 1)));
    await untilShown(right, bodies);
    await untilShown(left, bodies);
    await until('both have got all', () => ann.bodies.length === 30 && bob.bodies.length === 30);
    expect([ann.bodies, bob.bodies]).toEqual([bodies, bodies]);
    expect(ann.chat.outbox.getSnapshot()).toEqual([]);
    expect(left.messages.every(({ isOwn, sender }) => isOwn && sender === 'ann')).toBe(true);
    expect(right.messages.map(({ seqId }) => seqId)).toEqual(seqIds);
    expect(ann.states).toEqual(['connecting', 'catching-up', 'live']);
    expect([ann.errors, bob.errors]).toEqual([[], []]);
  });
});
