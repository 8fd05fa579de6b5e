import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TablestoreEmulator } from '../../emulator/index.js';
import { nightly } from '../support/nightly.js';
import { addressOf, newClient } from '../support/tablestore-store.js';
import { TestProcess } from '../support/test-process.js';
import { until } from '../support/until.js';
import { bodies, counted, emulate, open } from './support.js';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
const epochChanged = expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED' });

/** Keys of all rows of a table. */
async function keysOf(emulator: TablestoreEmulator, tableName: string, columns: readonly string[]): Promise<string[]> {
  const { default: sdk } = (await import('tablestore' as string)) as {
    default: { INF_MIN: unknown; INF_MAX: unknown };
  };
  const { rows } = (await newClient(emulator).getRange({
    tableName,
    direction: 'FORWARD',
    inclusiveStartPrimaryKey: columns.map((name) => ({ [name]: sdk.INF_MIN })),
    exclusiveEndPrimaryKey: columns.map((name) => ({ [name]: sdk.INF_MAX })),
  })) as { rows: { primaryKey: { value: unknown }[] }[] };
  return rows.map(({ primaryKey }) => primaryKey.map(({ value }) => String(value)).join(' '));
}

const metaKeys = (emulator: TablestoreEmulator) => keysOf(emulator, 'library_meta', ['timeline', 'name']);

describe.each(['cas', 'auto', 'manual'] as const)('a drop with %s', (sequence) => {
  const options = { drop: true, sequence, settleMs: 10, timeoutMs: 1500 };

  // 1: the note, 2: the life record, 3 and more: the removal of entries, keys and other rows.
  it.each(sequence === 'cas' || nightly ? [1, 2, 3, 4, 5] : [2, 4])(
    'that dies at its write number %i is whole or has not happened',
    async (at) => {
      const emulator = await emulate();
      const store = await open(emulator, options);
      const timeline = store.timeline('timeline');
      for (let i = 1; i <= 4; i++) await timeline.append(`m${i}`, { key: `k${i}` });
      const { next } = await timeline.read();
      await timeline.checkpoint('phone').advance(next);
      const args = [JSON.stringify(addressOf(emulator)), JSON.stringify(options), String(at), 'drop'];
      const child = new TestProcess(CHILD, args);
      await child.next();
      await child.kill();
      const other = await open(emulator, options);
      if (at <= 2) {
        for (const each of [store, other]) {
          expect(await bodies(each)).toHaveLength(4);
          expect((await each.timeline('timeline').append('m1', { key: 'k1' })).duplicate).toBe(true);
          expect(await each.timeline('timeline').checkpoint('phone').get()).toBe(next);
        }
      } else {
        for (const each of [store, other]) {
          await expect(each.timeline('timeline').read({ after: next })).rejects.toEqual(epochChanged);
          expect(await each.timeline('timeline').checkpoint('phone').get()).toBeUndefined();
        }
        expect((await other.timeline('timeline').append('new', { key: 'k1' })).duplicate).toBe(false);
        expect(await bodies(store)).toEqual(['new']);
      }
      const isNoted = async () => (await metaKeys(emulator)).some((key) => key.startsWith(' ended:'));
      await until('the rest is removed', async () => !(await isNoted()), 15_000);
      const life = (key: string) => key.split(' ')[0];
      const entries = new Set((await keysOf(emulator, 'library', ['timeline', 'seq'])).map(life));
      expect(entries.size).toBe(1);
      expect(entries.has('timeline')).toBe(at <= 2);
      expect(await bodies(other)).toHaveLength(at <= 2 ? 4 : 1);
    },
  );
});

describe('a library whose Timelines can be dropped', () => {
  it('keeps nothing of a dropped Timeline but its life record', async () => {
    const emulator = await emulate();
    const store = await open(emulator, { drop: true, timeoutMs: 1000 });
    const timeline = store.timeline('timeline');
    await timeline.append('m', { key: 'k' });
    await timeline.checkpoint('phone').advance((await timeline.read()).next);
    await timeline.drop();
    await until(
      'the rest is removed',
      async () => (await metaKeys(emulator)).filter((key) => !/^ (library|time)$/.test(key)).join() === 'timeline l',
      15_000,
    );
    expect(await keysOf(emulator, 'library', ['timeline', 'seq'])).toEqual([]);
  });

  it('asks for the lives of all Timelines of a call at once, and others ask for none', async () => {
    const emulator = await emulate();
    const plain = counted(emulator);
    const droppable = counted(emulator);
    const stores = [
      await open(emulator, {}, { name: 'plain', client: plain.client }),
      await open(emulator, { drop: true }, { name: 'droppable', client: droppable.client }),
    ];
    const ids = Array.from({ length: 50 }, (_, i) => `t${i}`);
    for (const store of stores) for (const outcome of await store.appendToMany(ids, 'm')) expect(outcome.ok).toBe(true);
    plain.reset();
    droppable.reset();
    for (const store of stores) {
      await store.appendToMany(ids, 'again');
      await store.readBatch(ids.map((timeline) => ({ timeline, after: 1n })));
    }
    const { batchGetRow: lives = 0, ...others } = droppable.counts;
    expect(lives - (plain.counts.batchGetRow ?? 0)).toBe(2);
    expect(others.batchWriteRow).toBe(plain.counts.batchWriteRow);
    expect(others.getRange).toBe(plain.counts.getRange);
  });

  it('is one since its creation, and no other can become one', async () => {
    const emulator = await emulate();
    await open(emulator, { drop: true }, { name: 'a' });
    await open(emulator, {}, { name: 'b' });
    expect((await open(emulator, {}, { name: 'a' })).capabilities.drop).toBe(true);
    const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'drop' };
    await expect(open(emulator, { drop: false }, { name: 'a' })).rejects.toMatchObject(refused);
    await expect(open(emulator, { drop: true }, { name: 'b' })).rejects.toMatchObject(refused);
    await expect(open(emulator, { drop: true, layout: 'java-v1' }, { name: 'c' })).rejects.toMatchObject(refused);
    await expect(open(emulator, { drop: 1 as never }, { name: 'c' })).rejects.toMatchObject(refused);
    const store = await open(emulator, {}, { name: 'b' });
    await expect(store.timeline('t').drop()).rejects.toMatchObject({ code: 'TIMELINE_UNSUPPORTED' });
  });

  it('names the Timeline in errors, whichever its life', async () => {
    const store = await open(await emulate(), { drop: true });
    const timeline = store.timeline('timeline');
    await timeline.append('m');
    await timeline.drop();
    await timeline.append('m', { key: 'k' });
    await expect(timeline.append('m', { expectedLast: 7n })).rejects.toMatchObject({
      timeline: 'timeline',
      actual: 1n,
    });
    await expect(timeline.append('n', { key: 'k' })).rejects.toMatchObject({ timeline: 'timeline', actual: 1n });
    await expect(timeline.update(9n, 'm')).rejects.toMatchObject({ timeline: 'timeline', actual: 9n });
  });
});
