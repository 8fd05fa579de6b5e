import { describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import type { Row } from '../../src/adapter.js';
import { until } from '../support/until.js';
import { fanOut, look, openFile, openLibrary, readAll, type TestLibrary, tempFile, write } from './support.js';

const ids = (rows: readonly Row[]) => rows.map((row) => row.seqId);

describe('heads', () => {
  it('of many Timelines are right after others have written, with names of every kind', async () => {
    const path = tempFile();
    const library = await openFile(path);
    const other = await openFile(path);
    const names = Array.from({ length: 200 }, (_, i) => `name ' " \u0000 ${'é'.repeat(i % 5)} ${i}`);
    await library.append(names.map((name) => write(name, 'one')));
    const lasts = async (from: TestLibrary) => (await from.heads([...names, 'never'])).map((head) => head.lastSeqId);
    expect(await lasts(other)).toEqual([...names.map(() => 1n), 0n]);
    await other.append([write(names[7]!, 'two'), write('never', 'one')]);
    expect(await lasts(library)).toEqual([...names.map((_, i) => (i === 7 ? 2n : 1n)), 1n]);
    await library.append([write(names[7]!, 'three')]);
    expect(await lasts(other)).toEqual(await lasts(library));
    expect(ids(await readAll(other, names[7]!))).toEqual([1n, 2n, 3n]);
  });

  it('are not taken from memory when the owner of the file changes the tables by hand', async () => {
    const path = tempFile();
    const library = await openFile(path);
    await library.append([write('a', 'one', 'two')]);
    look(path).database.exec('DELETE FROM timeline_entries WHERE seq = 2');
    expect(await library.heads(['a'])).toMatchObject([{ lastSeqId: 1n }]);
  });

  it('stay those of the file while four handles of two adapters write, trim, expire and roll back', async () => {
    const path = tempFile();
    const clock = { now: 1_700_000_000_000 };
    const settings = { clock, ttlMs: 1000 };
    const adapters = [1, 2].map(() => sqliteAdapter(path, { synchronous: 'normal', sweepMs: 2 }));
    const handles = await Promise.all([0, 0, 1, 1].map((i) => openLibrary(adapters[i]!, settings)));
    const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
    look(path).database.exec(
      `CREATE TRIGGER refuse AFTER INSERT ON timeline_entries WHEN NEW.body = 'bad'
      BEGIN SELECT raise(ABORT, 'refused'); END`,
    );
    const random = randomNumbers(42);
    const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
    const actions: ((library: TestLibrary) => Promise<unknown>)[] = [
      (library) => library.append([write(pick(names), 'x'), write(pick(names), 'y', 'z')]),
      (library) => library.append(fanOut(names.slice(random(6)), 'shared')),
      (library) => library.append([write(pick(names), 'x'), write(pick(names), 'y', 'bad')]),
      (library) => library.append([{ ...write(pick(names), 'x'), expectedLast: 3n }]),
      (library) => library.delete(pick(names), BigInt(random(9))),
      (library) => library.trim(pick(names), { keepLast: random(3) }),
      async () => {
        clock.now += random(200);
      },
    ];
    for (let i = 0; i < 600; i++) {
      await pick(actions)(pick(handles));
      const remembered = await pick(handles).heads(names);
      const fresh = await openFile(path, settings, { sweepMs: 3_600_000 });
      expect(remembered, `after step ${i}`).toEqual(await fresh.heads(names));
      await fresh.close();
    }
    clock.now += 2000;
    const file = look(path);
    await until('everything has expired', () => file.count('timeline_entries') + file.count('timeline_bodies') === 0);
  });
});

/** The same small integers in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
