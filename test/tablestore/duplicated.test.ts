import { expect, it } from 'vitest';
import { newClient } from '../support/tablestore-store.js';
import { bodies, emulate, open } from './support.js';

it.each(['cas', 'auto', 'manual'] as const)(
  'with %s an append with a key is one entry, though something on the way sends its requests twice',
  async (sequence) => {
    const emulator = await emulate();
    const client = newClient(emulator);
    const send = client.batchWriteRow.bind(client);
    // The service cannot tell that two rows that it numbers are one append: the first answer counts.
    client.batchWriteRow = async (parameters) => {
      const { tables } = parameters as { tables: { tableName: string }[] };
      if (sequence === 'auto' && tables.some(({ tableName }) => tableName === 'library')) return send(parameters);
      await send(parameters);
      return send(parameters);
    };
    const store = await open(emulator, { sequence, settleMs: 5 }, { client });
    const appended = [];
    for (let i = 0; i < 12; i++) appended.push(await store.timeline('timeline').append(`m${i}`, { key: `k${i}` }));
    expect(appended.map(({ duplicate }) => duplicate)).toEqual(appended.map(() => false));
    expect(await bodies(store)).toEqual(Array.from({ length: 12 }, (_, i) => `m${i}`));
    expect(await store.timeline('timeline').append('m3', { key: 'k3' })).toMatchObject({ duplicate: true });
  },
);
