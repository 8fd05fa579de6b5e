import { expect, it } from 'vitest';
import type { TableStoreClient } from '../../adapters/tablestore/index.js';
import { isTimelineError } from '../../src/errors.js';
import { newClient } from '../support/tablestore-store.js';
import { emulate, open } from './support.js';

/** A client that passes the calls of one operation, with their number, through `around`. */
function intercepted(
  client: TableStoreClient,
  operation: keyof TableStoreClient,
  around: (call: number, send: () => Promise<unknown>) => Promise<unknown>,
): TableStoreClient {
  const send = client[operation].bind(client);
  let calls = 0;
  client[operation] = (parameters) => around(++calls, async () => send(parameters));
  return client;
}

it('a key that another process writes while the keys of a Timeline are loaded is known', async () => {
  const emulator = await emulate();
  const other = await open(emulator, { sequence: 'cas' });
  let loads = 0;
  const client = intercepted(newClient(emulator), 'getRange', async (_, send) => {
    const answer = await send();
    if (++loads === 1) await other.timeline('a').append('m', { key: 'k' });
    return answer;
  });
  const store = await open(emulator, { sequence: 'cas' }, { client });
  expect(await store.timeline('a').append('m', { key: 'k' })).toMatchObject({ seqId: 1n, duplicate: true });
  expect((await store.timeline('a').read()).entries).toHaveLength(1);
});

it('an append whose answer was lost is never reported as not applied because a later attempt was refused', async () => {
  const emulator = await emulate();
  let isArmed = false;
  let armed = 0;
  const client = intercepted(newClient(emulator), 'batchWriteRow', async (_, send) => {
    if (!isArmed) return send();
    if (++armed > 1) throw new Error('\n\x0dOTSServerBusy\x12\x0fServer is busy.');
    await send();
    throw new Error('read ECONNRESET');
  });
  const store = await open(emulator, { sequence: 'cas', timeoutMs: 500 }, { client });
  await store.timeline('a').append('first');
  isArmed = true;
  const error = await store
    .timeline('a')
    .append('second')
    .catch((cause: unknown) => cause);
  expect(isTimelineError(error) && error.outcome).toBe('unknown');
  isArmed = false;
  expect((await store.timeline('a').read()).entries.map(({ message }) => message)).toEqual(['first', 'second']);
});

it.each(['cas', 'auto', 'manual'] as const)(
  'with %s, an update whose answer was lost is recognized, though another has changed the entry since',
  async (sequence) => {
    const emulator = await emulate();
    const other = await open(emulator, { sequence, settleMs: 5 });
    let isArmed = false;
    const client = intercepted(newClient(emulator), 'batchWriteRow', async (_, send) => {
      const answer = await send();
      if (!isArmed) return answer;
      isArmed = false;
      await other.timeline('a').update(seqId, 'theirs');
      throw new Error('read ECONNRESET');
    });
    const store = await open(emulator, { sequence, settleMs: 5 }, { client });
    const { seqId } = await store.timeline('a').append('first');
    isArmed = true;
    expect(await store.timeline('a').update(seqId, 'ours', { ifRevision: 0 })).toMatchObject({ revision: 1 });
    expect(await store.timeline('a').get(seqId)).toMatchObject({ message: 'theirs', revision: 2 });
    isArmed = true;
    expect(await store.timeline('a').update(seqId, 'ours again')).toMatchObject({ revision: 3 });
    expect(await store.timeline('a').get(seqId)).toMatchObject({ message: 'theirs', revision: 4 });
  },
);

it('an update whose answer was lost has an unknown outcome if more changes follow than a row remembers', async () => {
  const emulator = await emulate();
  const other = await open(emulator, { sequence: 'cas' });
  let isArmed = false;
  const client = intercepted(newClient(emulator), 'batchWriteRow', async (_, send) => {
    const answer = await send();
    if (!isArmed) return answer;
    isArmed = false;
    for (let i = 0; i < 16; i++) await other.timeline('a').update(seqId, `theirs ${i}`);
    throw new Error('read ECONNRESET');
  });
  const store = await open(emulator, { sequence: 'cas' }, { client });
  const { seqId } = await store.timeline('a').append('first');
  isArmed = true;
  const updating = store.timeline('a').update(seqId, 'ours', { ifRevision: 0 });
  await expect(updating).rejects.toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', outcome: 'unknown' });
});
