import { expect, it } from 'vitest';
import type { TableStoreClient } from '../../adapters/tablestore/index.js';
import { newClient } from '../support/tablestore-store.js';
import { emulate, open } from './support.js';

const DAY_MS = 86_400_000;

async function ttlOf(client: TableStoreClient, tableName: string): Promise<number> {
  const { tableOptions } = (await client.describeTable({ tableName })) as { tableOptions: { timeToLive: number } };
  return tableOptions.timeToLive;
}

it('an altered TTL and key window are those of the tables too', async () => {
  const emulator = await emulate();
  const client = newClient(emulator);
  await open(emulator, { sequence: 'auto' }, { ttlMs: 2 * DAY_MS });
  expect(await ttlOf(client, 'library')).toBe((3 * DAY_MS) / 1000);
  expect(await ttlOf(client, 'library_keys')).toBe((2 * DAY_MS) / 1000);
  const altered = await open(
    emulator,
    { sequence: 'auto', keyWindowMs: 3 * DAY_MS },
    { ttlMs: 5 * DAY_MS, alter: true },
  );
  expect([altered.ttlMs, altered.capabilities.keyWindowMs]).toEqual([5 * DAY_MS, 3 * DAY_MS]);
  expect(await ttlOf(client, 'library')).toBe((6 * DAY_MS) / 1000);
  expect(await ttlOf(client, 'library_keys')).toBe((4 * DAY_MS) / 1000);
  await open(emulator, { sequence: 'auto' }, { ttlMs: Number.POSITIVE_INFINITY, alter: true });
  expect(await ttlOf(client, 'library')).toBe(-1);
});

it('another key window is refused, and the default is the stored one', async () => {
  const emulator = await emulate();
  await open(emulator, { keyWindowMs: 2 * DAY_MS });
  await expect(open(emulator, { keyWindowMs: DAY_MS })).rejects.toMatchObject({
    code: 'TIMELINE_INVALID_ARGUMENT',
    argument: 'keyWindowMs',
    expected: DAY_MS,
    actual: 2 * DAY_MS,
  });
  expect((await open(emulator)).capabilities.keyWindowMs).toBe(2 * DAY_MS);
});

it('another numbering or layout is refused by name', async () => {
  const emulator = await emulate();
  await open(emulator, { sequence: 'cas' });
  await expect(open(emulator, { sequence: 'manual' })).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
  await open(emulator, { sequence: 'manual' }, { name: 'second' });
  const layout = {
    type: 'java-v2',
    keyColumns: [{ name: 'timeline', type: 'STRING' }],
    sequenceColumn: 'seq',
  } as const;
  await expect(open(emulator, { sequence: 'manual', layout }, { name: 'second' })).rejects.toMatchObject({
    argument: 'layout',
  });
});
