import { describe, expect, it } from 'vitest';
import type { TableStoreAdapterOptions, TableStoreClient } from '../../adapters/tablestore/index.js';
import type { TablestoreEmulator } from '../../emulator/index.js';
import type { TimelineError } from '../../src/errors.js';
import { newClient } from '../support/tablestore-store.js';
import { bodies, counted, emulate, open } from './support.js';

const SEQUENCES = ['cas', 'auto', 'manual'] as const;
const DAY_MS = 86_400_000;
const refused = (call: Promise<unknown>) =>
  call.then(
    () => 'it was not refused',
    (error: TimelineError) => error.code,
  );

async function drop(emulator: TablestoreEmulator, names: readonly string[]): Promise<void> {
  const client = newClient(emulator) as TableStoreClient & { deleteTable(parameters: object): Promise<unknown> };
  for (const tableName of names) await client.deleteTable({ tableName }).catch(() => {});
}

/** A process with entries 1 to 3 and their head, whose tables are then deleted and made again by another process. */
async function madeAgain(options: TableStoreAdapterOptions, names: readonly string[], ttlMs?: number) {
  const emulator = await emulate({ missingTableOnRead: 'OTSParameterInvalid' });
  const old = await open(emulator, { settleMs: 5, ...options }, { ttlMs });
  const timeline = old.timeline('timeline');
  for (const message of ['1', '2', '3']) await timeline.append(message);
  const { cursor } = (await timeline.latest())!;
  await drop(emulator, names);
  const other = await open(emulator, { settleMs: 5, ...options }, { ttlMs });
  return { emulator, old, other, cursor, epoch: (await other.timeline('timeline').head()).epoch };
}

describe.each(SEQUENCES)('with %s, a library whose tables another process has made again', (sequence) => {
  for (const [which, names] of [
    ['all of them', ['library', 'library_meta', 'library_keys']],
    ['that of the entries', ['library']],
  ] as const) {
    it(`(${which}) is written from its beginning, in the epoch that all processes have`, async () => {
      const { old, other, epoch } = await madeAgain({ sequence }, names);
      const first = await old.timeline('timeline').append('first');
      await other.timeline('timeline').append('second');
      await old.timeline('timeline').append('third');
      if (sequence !== 'auto') expect(first.seqId).toBe(1n);
      for (const store of [old, other]) {
        const head = await store.timeline('timeline').head();
        expect(head.epoch).toBe(epoch);
        const page = await store.timeline('timeline').read({ after: 0n });
        expect(page.entries.map(({ message }) => message)).toEqual(['first', 'second', 'third']);
        expect(page.truncated).toBeUndefined();
      }
      expect(await bodies(old)).toEqual(['first', 'second', 'third']);
    });

    it(`(${which}) refuses cursors of the earlier epoch, and takes those of the new one`, async () => {
      const { old, other, cursor } = await madeAgain({ sequence }, names);
      for (let i = 0; i < 6; i++) await other.timeline('timeline').append(`m${i}`);
      const latest = (await other.timeline('timeline').latest())!;
      expect(await refused(old.timeline('timeline').read({ after: cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
      expect((await old.timeline('timeline').read({ after: latest.cursor })).entries).toEqual([]);
    });

    it(`(${which}) refuses them while it is empty, too`, async () => {
      const { old, cursor } = await madeAgain({ sequence }, names);
      expect(await refused(old.timeline('timeline').read({ after: cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    });

    it(`(${which}) takes appends with keys, each once`, async () => {
      const { old, other } = await madeAgain({ sequence }, names);
      const appended = await old.timeline('timeline').append('m', { key: 'k' });
      const again = await other.timeline('timeline').append('m', { key: 'k' });
      expect([again.seqId, again.duplicate]).toEqual([appended.seqId, true]);
      expect(await bodies(old)).toEqual(['m']);
    });
  }
});

it('keeps nothing recorded in the earlier epoch of a library with a TTL', async () => {
  const { old, other } = await madeAgain({ sequence: 'cas' }, ['library', 'library_meta'], 7 * DAY_MS);
  await old.timeline('timeline').append('first');
  await old.close();
  expect((await other.timeline('timeline').head()).lastSeqId).toBe(1n);
  expect((await other.timeline('other').head()).lastSeqId).toBe(0n);
});

it('lists again what was listed', async () => {
  const { old, other } = await madeAgain({ sequence: 'auto' }, ['library', 'library_meta', 'library_keys']);
  await old.timeline('timeline').append('m');
  const listed: unknown[] = [];
  for await (const timeline of other.timelines()) listed.push(timeline);
  expect(listed).toEqual(['timeline']);
});

it('a subscription goes on in the new epoch, or says that it cannot', async () => {
  const { old, other } = await madeAgain({ sequence: 'cas' }, ['library', 'library_meta']);
  const stream = old.timeline('timeline').subscribe({ after: 0n })[Symbol.asyncIterator]();
  const next = stream.next();
  await other.timeline('timeline').append('first');
  expect((await next).value?.message).toBe('first');
  await stream.return?.();
});

it('tables that are missing are waited for within the budget, and named', async () => {
  const emulator = await emulate();
  const store = await open(emulator, { timeoutMs: 600 });
  await store.timeline('t').append('m');
  await drop(emulator, ['library', 'library_meta']);
  const begun = performance.now();
  const error = await store
    .timeline('t')
    .append('n')
    .catch((cause: TimelineError) => cause);
  expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true, outcome: 'not-applied' });
  expect((error as TimelineError).message).toMatch(/deleted|not there/);
  expect(performance.now() - begun).toBeLessThan(600 * 1.1 + 250);
  const writing = store.timeline('t').append('o');
  await open(emulator);
  expect((await writing).seqId).toBe(1n);
});

it('costs no request: an append asks for the epoch in its own', async () => {
  const emulator = await emulate();
  const { client, counts, reset } = counted(emulator);
  const store = await open(emulator, {}, { client });
  await store.timeline('t').append('m');
  reset();
  for (let i = 0; i < 5; i++) {
    await store.timeline('t').append('m');
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect(counts).toEqual({ batchWriteRow: 5 });
});
