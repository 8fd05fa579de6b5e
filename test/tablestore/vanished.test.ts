import { describe, expect, it } from 'vitest';
import { newClient } from '../support/tablestore-store.js';
import { emulate, open } from './support.js';

const DAY = 24 * 3_600_000;

/** An inbox library on a service whose clock the test sets. Each `open` stands for another process. */
async function service() {
  let at = Date.UTC(2026, 0, 1);
  const now = () => at;
  const emulator = await emulate({ now });
  const options = { ttlMs: DAY, now };
  return {
    pass: (ms: number) => {
      at += ms;
    },
    open: () => open(emulator, { sequence: 'auto', settleMs: 0 }, options),
    /** A process that dies before its deferred writes. */
    openDoomed: async () => {
      const client = newClient(emulator);
      const store = await open(emulator, { sequence: 'auto', settleMs: 0 }, { ...options, client });
      const write = client.batchWriteRow.bind(client);
      client.batchWriteRow = (parameters) => {
        const { tables } = parameters as { tables: { tableName: string }[] };
        const isDeferred = tables.every(({ tableName }) => tableName === 'library_meta');
        return isDeferred ? Promise.reject(new Error('this process is dead')) : write(parameters);
      };
      return store;
    },
  };
}

describe('entries that the TTL has removed from the table, with ids that have gaps', () => {
  it('are told to a reader of the beginning that read while none was left and nothing recorded', async () => {
    const { open, openDoomed, pass } = await service();
    await (await openDoomed()).timeline('inbox').append('lost');
    pass(2 * DAY + 3_600_000);
    const store = await open();
    const inbox = store.timeline('inbox');
    expect((await inbox.read({ after: 0n })).entries).toEqual([]);
    const { seqId } = await inbox.append('new');
    const { entries, truncated } = await inbox.read({ after: 0n });
    expect(entries.map(({ message }) => message)).toEqual(['new']);
    expect(truncated).toEqual({ through: seqId - 1n });
    expect((await (await open()).timeline('inbox').read({ after: 0n })).truncated).toEqual({ through: seqId - 1n });
  });

  it('are told to a reader of the first that read while none was left and only some recorded', async () => {
    const { open, openDoomed, pass } = await service();
    const { cursor } = await (await open()).timeline('inbox').append('read');
    await (await openDoomed()).timeline('inbox').append('lost');
    pass(2 * DAY + 3_600_000);
    const inbox = (await open()).timeline('inbox');
    expect((await inbox.read({ after: cursor })).entries).toEqual([]);
    const { seqId } = await inbox.append('new');
    expect((await inbox.read({ after: cursor })).truncated).toEqual({ through: seqId - 1n });
  });
});

describe('a position where no entry ever was, between two', () => {
  it.each([0, 3 * DAY])(
    'does not mean that those before it are removed, %d ms after the Timeline began',
    async (ms) => {
      const { open, pass } = await service();
      const store = await open();
      const inbox = store.timeline('inbox');
      await inbox.append('first of all');
      pass(ms);
      const first = await inbox.append('one');
      pass(1000);
      const second = await inbox.append('two');
      const page = await (await open()).timeline('inbox').read({ after: second.seqId - 2n });
      expect(page.entries.map(({ message }) => message)).toEqual(['two']);
      expect(page.truncated).toBeUndefined();
      const reader = (await open()).timeline('inbox');
      expect((await reader.read({ after: second.seqId - 2n })).head.firstSeqId).toBeLessThanOrEqual(first.seqId);
      expect((await reader.read({ after: first.seqId })).truncated).toBeUndefined();
    },
  );
});
