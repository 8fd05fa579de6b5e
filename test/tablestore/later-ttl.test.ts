import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { TableStoreClient } from '../../adapters/tablestore/index.js';
import { allRows, clientOf, columnsOf, keyOf, type SdkClient } from '../emulator/sdk.js';
import { newClient } from '../support/tablestore-store.js';
import { bodies, emulate, open } from './support.js';

const DAY_MS = 86_400_000;

async function ttlOf(client: SdkClient): Promise<unknown> {
  return (await client.describeTable({ tableName: 'library' })).tableOptions.timeToLive;
}

async function entriesIn(client: SdkClient): Promise<number> {
  return (await allRows(client, 'library', ['timeline', 'seq'])).length;
}

/** The last SeqIds that are noted in the meta table, by Timeline. */
async function notedIds(client: SdkClient): Promise<Record<string, unknown>> {
  const noted: Record<string, unknown> = {};
  for (const row of await allRows(client, 'library_meta', ['timeline', 'name'])) {
    const { last } = columnsOf(row);
    if (last !== undefined) noted[String(keyOf(row)[0])] = last;
  }
  return noted;
}

/** Resolves once `client` has changed a table, with what `look` found right before. */
function changed<T>(client: TableStoreClient, look: () => Promise<T>): Promise<T> {
  const update = client.updateTable.bind(client);
  return new Promise((resolve, reject) => {
    client.updateTable = async (parameters) => {
      const found = look();
      found.then(() => {}, reject);
      await found;
      const answer = await update(parameters);
      resolve(found);
      return answer;
    };
  });
}

/** From now on a test passes the time that timers wait for. */
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

describe.each(['cas', 'auto', 'manual'] as const)('with %s a library that was for ever and gets a TTL', (sequence) => {
  it.each(['in the process that altered it', 'in the next one that opens it'])(
    'hides at once; its table removes nothing before the last ids are noted, %s',
    async (where) => {
      let ahead = 0;
      const emulator = await emulate({ now: () => Date.now() + ahead });
      const direct = clientOf(emulator);
      const options = { now: () => Date.now() + ahead, clockToleranceMs: Number.POSITIVE_INFINITY };
      const forEver = await open(emulator, { sequence, settleMs: 0 }, options);
      const last: Record<string, bigint> = {};
      for (const id of ['a', 'a', 'b']) last[id] = (await forEver.timeline(id).append('m')).seqId;
      await forEver.close();

      fakeTimers();
      const altering = newClient(emulator);
      const altered = { ...options, ttlMs: 2 * DAY_MS, alter: true, client: altering };
      const first = await open(emulator, { sequence, settleMs: 0 }, altered);
      ahead = 10 * DAY_MS;
      expect(await bodies(first, 'a')).toEqual([]);
      expect([await ttlOf(direct), await entriesIn(direct)]).toEqual([-1, 3]);

      let client = altering;
      if (where.includes('next')) {
        await first.close();
        client = newClient(emulator);
        await open(emulator, { sequence, settleMs: 0 }, { ...options, client });
      }
      const limited = changed(client, () => notedIds(direct));
      vi.runOnlyPendingTimers();
      expect(await limited).toEqual({ a: String(last.a), b: String(last.b) });
      expect(await ttlOf(direct)).toBe((3 * DAY_MS) / 1000);
      expect(await entriesIn(direct)).toBe(0);
      const late = await open(emulator, { sequence, settleMs: 0 }, options);
      for (const id of ['a', 'b']) {
        const { seqId } = await late.timeline(id).append('n');
        if (sequence === 'auto') expect(seqId).toBeGreaterThan(last[id] as bigint);
        else expect(seqId).toBe((last[id] as bigint) + 1n);
      }
    },
  );
});
