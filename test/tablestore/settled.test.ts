import { expect, it } from 'vitest';
import type { Cursor, TimelineEntry } from '../../src/types.js';
import { emulate, open } from './support.js';

const WRITERS = 4;
const EACH = 25;
const messages = (entries: readonly TimelineEntry<string>[]) => entries.map(({ message }) => message);

/** Rows become visible up to 30 ms after they got their id, in any order; on a busy machine later. */
async function late(settleMs = 400) {
  const emulator = await emulate({ autoIncrement: { maxCommitDelayMs: 30 } });
  const options = { sequence: 'auto', settleMs } as const;
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => open(emulator, options)));
  const write = async () => {
    for (let i = 0; i < EACH; i++)
      await Promise.all(writers.map((store, w) => store.timeline('t').append(`${w}:${i}`)));
  };
  return { reader: (await open(emulator, options)).timeline('t'), write };
}

it('a reader that goes on from page to page misses nothing that became visible late', async () => {
  const { reader, write } = await late();
  let finished = false;
  const writing = write().finally(() => {
    finished = true;
  });
  const seen: TimelineEntry<string>[] = [];
  let after: Cursor | undefined;
  for (let last = false; !last; ) {
    const isFinished = finished;
    const page = await reader.read({ after, limit: 7 });
    seen.push(...page.entries);
    after = page.next;
    last = isFinished && page.upToDate && page.entries.length === 0;
  }
  await writing;
  const stored = (await reader.read({ limit: 1000 })).entries;
  expect(stored).toHaveLength(WRITERS * EACH);
  expect(messages(seen)).toEqual(messages(stored));
});

it('a subscriber gets all of it once and in order', async () => {
  const { reader, write } = await late(1500);
  const seen: TimelineEntry<string>[] = [];
  const reading = (async () => {
    for await (const entry of reader.subscribe()) if (seen.push(entry) === WRITERS * EACH) return;
  })();
  await write();
  await reading;
  expect(messages(seen)).toEqual(messages((await reader.read({ limit: 1000 })).entries));
});

it('an append is visible to the next read, however late it became visible to others', async () => {
  const { reader } = await late();
  expect((await reader.read()).entries).toEqual([]);
  const emulator = await emulate({ autoIncrement: { maxCommitDelayMs: 30 } });
  const store = await open(emulator, { sequence: 'auto', settleMs: 50 });
  for (let i = 0; i < 5; i++) {
    const { seqId } = await store.timeline('t').append(`m${i}`);
    expect((await store.timeline('t').read()).entries.at(-1)?.seqId).toBe(seqId);
  }
});
