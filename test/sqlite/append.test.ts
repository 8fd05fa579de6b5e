import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Write } from '../../src/adapter.js';
import { bodiesOf, fanOut, look, openFile, readAll, tempFile, write } from './support.js';

const refuse = (when: string) =>
  `CREATE TRIGGER refuse BEFORE INSERT ON timeline_entries WHEN ${when} BEGIN SELECT raise(ABORT, 'refused'); END`;

describe('Back-pressure: one bad entry never poisons its neighbours', () => {
  it('when SQLite itself refuses it, in the middle of a batch', async () => {
    const path = tempFile();
    const library = await openFile(path);
    look(path).database.exec(refuse("NEW.body = 'bad'"));
    const writes = [
      write('a', '1'),
      write('b', '1'),
      write('a', '2', 'bad'),
      write('a', '3'),
      ...fanOut(['b', 'c'], 'shared'),
      write('c', 'bad'),
    ];
    const outcomes = await library.append(writes);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, false, true, true, true, false]);
    expect(outcomes[2]).toMatchObject({
      error: { code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', retryable: false },
    });
    expect(bodiesOf(await readAll(library, 'a'))).toEqual(['1', '3']);
    expect((await readAll(library, 'a')).map((row) => row.seqId)).toEqual([1n, 2n]);
    expect(bodiesOf(await readAll(library, 'b'))).toEqual(['1', 'shared']);
    expect(bodiesOf(await readAll(library, 'c'))).toEqual(['shared']);
    const file = look(path);
    const dangling = 'refs <> (SELECT count(*) FROM timeline_entries WHERE ref = timeline_bodies.id)';
    expect(file.count('timeline_bodies')).toBeGreaterThan(0);
    expect(file.count('timeline_bodies', dangling)).toBe(0);
  });

  it('when it conflicts: nothing of that write is there, everything of the others', async () => {
    const library = await openFile(tempFile());
    const manual: Write = {
      timeline: 'a',
      entries: [5n, 9n, 9n].map((seqId) => ({ payload: { body: 'x', shared: false }, seqId })),
    };
    const outcomes = await library.append([
      write('a', '1'),
      manual,
      { ...write('b', '1'), expectedLast: 1n },
      write('a', '2'),
    ]);
    expect(outcomes).toMatchObject([
      { ok: true, entries: [{ seqId: 1n }] },
      { ok: false, error: { code: 'TIMELINE_CONFLICT', expected: 9n, actual: 9n } },
      { ok: false, error: { code: 'TIMELINE_CONFLICT', expected: 1n, actual: 0n } },
      { ok: true, entries: [{ seqId: 2n }] },
    ]);
    expect(await library.timelines({ prefix: '', limit: 10 })).toEqual(['a']);
  });
});

describe('large batches', () => {
  it('are committed in slices, so that the event loop runs in between', async () => {
    const library = await openFile(tempFile());
    const writes = Array.from({ length: 400 }, (_, i) =>
      write(`t${i % 40}`, ...Array.from({ length: 50 }, () => 'x'.repeat(200))),
    );
    let turns = 0;
    let done = false;
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const outcomes = await library.append(writes);
    done = true;
    expect(turns).toBeGreaterThan(3);
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    for (let t = 0; t < 40; t++) {
      const ids = (await readAll(library, `t${t}`)).map((row) => row.seqId);
      expect(ids).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i + 1)));
    }
  });

  it('are held back as a whole by a lock, and go through when it is released', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { busyTimeoutMs: 5000 });
    const { database } = look(path);
    database.exec('BEGIN IMMEDIATE');
    let settled = false;
    const appending = library.append([write('a', '1'), write('a', '2')]).finally(() => {
      settled = true;
    });
    // If waiting for the lock held the event loop, these timers would fire only after it.
    for (let turns = 0; turns < 20; turns++) await delay(3);
    expect(settled).toBe(false);
    database.exec('ROLLBACK');
    expect(await appending).toMatchObject([{ ok: true }, { ok: true }]);
  });

  it('fail with TIMELINE_BUSY, each write of them, when the lock stays', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { busyTimeoutMs: 30 });
    const { database } = look(path);
    database.exec('BEGIN IMMEDIATE');
    const busy = { ok: false, error: { code: 'TIMELINE_BUSY', retryable: true, outcome: 'not-applied' } };
    expect(await library.append([write('a', '1'), write('b', '2')])).toMatchObject([busy, busy]);
    await expect(library.delete('a', 1n)).rejects.toMatchObject({ code: 'TIMELINE_BUSY' });
    expect(await readAll(library, 'a')).toEqual([]);
    database.exec('ROLLBACK');
    expect(await library.append([write('a', '1')])).toMatchObject([{ ok: true, entries: [{ seqId: 1n }] }]);
  });
});
