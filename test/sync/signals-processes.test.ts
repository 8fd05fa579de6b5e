import { expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { openMessageSync } from '../../sync/index.js';
import { hasRedis } from '../support/redis-server.js';
import { newClient } from '../support/tablestore-store.js';
import { emulate } from '../tablestore/support.js';
import { SHARED, spawnChild } from './support/children.js';
import { CONVERSATIONS, CROWD, Libraries } from './support/crowd.js';
import { bodyOf, say, take } from './support/people.js';

it.skipIf(!hasRedis())('signals reach members in another process by Redis, and nobody else', async () => {
  const [, redis] = SHARED.find(([kind]) => kind === 'redis')!;
  const location = await redis();
  const libraries = await Libraries.open(location);
  const sync = libraries.messages(CROWD.slice(0, 3));
  onTestFinished(async () => {
    await sync.close();
    await libraries.close();
  });
  const outsider = sync.device(CROWD[3]!, 'phone').subscribe()[Symbol.asyncIterator]();
  let heardByOutsider: unknown;
  void outsider.next().then(({ value }) => {
    heardByOutsider = value;
  });
  const heard = [0, 1, 2].map((member) => take(sync.device(CROWD[member]!, 'phone').subscribe(), 3));
  const child = spawnChild('signalForever', location, ['3']);
  for (const signals of await Promise.all(heard)) {
    expect(signals.map(({ kind, conversation, sender }) => [kind, conversation, sender])).toEqual(
      Array(3).fill(['signal', CONVERSATIONS[0], CROWD[0]]),
    );
    for (const signal of signals) expect(signal).toMatchObject({ body: { typing: expect.any(Number) }, seqId: 0n });
  }
  child.kill('SIGKILL');
  await outsider.return?.();
  expect(heardByOutsider).toBeUndefined();
});

it('a subscription that is slow keeps the newest 64 signals, and all messages', async () => {
  await using sync = await openMessageSync<string>({ adapter: memoryAdapter() });
  await (await sync.join('g', ['ann', 'bob'])).delivered;
  const signal = (body: number) => sync.signal('g', { from: 'ann', body });
  const slow = sync.device('bob', 'slow').subscribe()[Symbol.asyncIterator]();
  const first = slow.next();
  await signal(-1);
  expect((await first).value).toMatchObject({ kind: 'signal', body: -1 });
  const fast = (async () => {
    for await (const message of sync.device('bob', 'fast').subscribe())
      if (message.kind === 'signal' && message.body === 99) return;
  })();
  for (let i = 0; i < 100; i++) await signal(i);
  await fast;
  await say(sync, 'g', 'ann', 'one', 'two');
  const signals: unknown[] = [];
  const texts: unknown[] = [];
  while (signals.length < 64 || texts.length < 2) {
    const { value: message } = await slow.next();
    if (message.kind === 'signal') signals.push(message.body);
    else texts.push(bodyOf(message));
  }
  await slow.return?.();
  expect(signals).toEqual(Array.from({ length: 64 }, (_, i) => 36 + i));
  expect(texts).toEqual(['one', 'two']);
});

it('signals are refused where the sync library passes none on, and subscriptions go without', async () => {
  const inboxes = tablestoreAdapter(newClient(await emulate()));
  await using sync = await openMessageSync<string>({ adapter: { store: memoryAdapter(), sync: inboxes } });
  await (await sync.join('g', ['ann', 'bob'])).delivered;
  await expect(sync.signal('g', { from: 'ann', body: 1 })).rejects.toMatchObject({
    ...{ code: 'TIMELINE_UNSUPPORTED', capability: 'signals', outcome: 'not-applied' },
    message: expect.stringContaining('tablestore'),
  });
  const heard = take(sync.device('bob', 'phone').subscribe({ signals: true }), 1);
  await say(sync, 'g', 'ann', 'one');
  expect(await heard).toMatchObject([{ kind: 'message', body: 'one' }]);
});
