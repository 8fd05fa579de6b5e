import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { WakeChannel } from '../../adapters/tablestore/index.js';
import { emulate, open } from './support.js';

/** Longer than the test: only the channel can wake. */
const NEVER = 3_600_000;

function channel(): WakeChannel & { readonly topics: string[] } {
  const emitter = new EventEmitter();
  const topics: string[] = [];
  return {
    topics,
    publish: (topic) => {
      topics.push(topic);
      emitter.emit('wake', topic);
    },
    subscribe: (listener) => {
      emitter.on('wake', listener);
      return () => emitter.off('wake', listener);
    },
  };
}

for (const sequence of ['cas', 'auto'] as const) {
  it(`with ${sequence} a wake channel tells another process's subscription at once`, async () => {
    const emulator = await emulate();
    const wake = channel();
    const adapter = { sequence, wake, pollMs: NEVER, idlePollMs: NEVER, settleMs: 1 };
    const writer = await open(emulator, adapter);
    const reader = await open(emulator, adapter, { pollMs: NEVER });
    let caughtUp: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      caughtUp = resolve;
    });
    const entries = reader.timeline('a').subscribe({ onCaughtUp: caughtUp })[Symbol.asyncIterator]();
    const next = entries.next();
    await waiting;
    await writer.timeline('b').append('elsewhere');
    await writer.timeline('a').append('here');
    expect((await next).value).toMatchObject({ message: 'here' });
    await entries.return?.();
    expect(new Set(wake.topics).size).toBe(2);
  });
}

it('a wake channel that fails loses nothing', async () => {
  const emulator = await emulate();
  const wake: WakeChannel = {
    publish: () => Promise.reject(new Error('the channel is down')),
    subscribe: () => () => undefined,
  };
  const adapter = { sequence: 'cas', wake, pollMs: 10, idlePollMs: 20 } as const;
  const writer = await open(emulator, adapter);
  const reader = await open(emulator, adapter);
  const entries = reader.timeline('a').subscribe()[Symbol.asyncIterator]();
  const next = entries.next();
  await writer.timeline('a').append('here');
  expect((await next).value).toMatchObject({ message: 'here' });
  await entries.return?.();
});
