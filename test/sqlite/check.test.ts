import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { checkTimelines, type TimelineProblem } from '../../adapters/sqlite/index.js';
import { nightly } from '../support/nightly.js';
import { bodiesOf, fanOut, look, openFile, readAll, tempFile, write } from './support.js';

const keyed = (timeline: string, key: string, body = 'x') => ({
  timeline,
  entries: [{ payload: { body, hash: 'h', shared: false }, key }],
});

/** A database with everything that is legal: gaps, tombstones, trims, keys, shared and binary bodies, positions. */
async function lively(): Promise<string> {
  const path = tempFile();
  const library = await openFile(path, {}, { sweepMs: 5 });
  await library.append([
    write('a', ...Array.from({ length: 50 }, (_, i) => `"a${i}"`)),
    keyed('a', 'key-1'),
    keyed('a', 'key-2'),
  ]);
  const at = (seqId: bigint) => ({ timeline: 'gaps', entries: [{ payload: { body: 'g', shared: false }, seqId }] });
  await library.append([at(100n), at(200n), write('gaps', 'next')]);
  await library.append(fanOut(['a', 'b', 'c'], '"shared"'));
  await library.append([
    { timeline: 'b', entries: [{ payload: { body: new Uint8Array([255, 0, 254]), shared: false } }] },
  ]);
  await library.append([write('cut', ...Array.from({ length: 40 }, (_, i) => `"t${i}"`)), write('emptied', '1', '2')]);
  await library.delete('a', 3n);
  await library.update('a', 4n, { body: '"new"', shared: false });
  await library.trim('cut', { through: 30n });
  await library.trim('emptied', { keepLast: 0 });
  const [head] = await library.heads(['a']);
  await library.checkpoints.advance([{ timeline: 'a', reader: 'phone', epoch: head!.epoch, seqId: 50n }]);
  await library.close();
  return path;
}

async function problemsAfter(damage: (database: Database.Database) => void): Promise<readonly TimelineProblem[]> {
  const path = await lively();
  const { database } = look(path);
  damage(database);
  const { ok, problems } = await checkTimelines(path);
  expect(ok).toBe(problems.length === 0);
  return problems;
}

const entryOf = (name: string) => `timeline = (SELECT id FROM timeline_timelines WHERE name = '${name}')`;

describe('checkTimelines', () => {
  it('finds nothing in a sound file, also while it is written to, and changes nothing', async () => {
    const path = await lively();
    const before = readFileSync(path);
    expect(await checkTimelines(path)).toEqual({ ok: true, problems: [] });
    expect(readFileSync(path).equals(before)).toBe(true);
    const library = await openFile(path, {}, { sweepMs: 5 });
    await library.append([write('a', 'more')]);
    const [result] = await Promise.all([
      checkTimelines(path),
      library.append([write('a', 'meanwhile'), keyed('b', 'k')]),
    ]);
    expect(result).toEqual({ ok: true, problems: [] });
    await library.trim('a', { keepLast: 7 });
    expect(await checkTimelines(path)).toEqual({ ok: true, problems: [] });
  });

  it.each([
    ['an entry in the middle', `DELETE FROM timeline_entries WHERE ${entryOf('a')} AND seq = 20`, 'missing', 'a', 21n],
    [
      'the entry before a gap',
      `DELETE FROM timeline_entries WHERE ${entryOf('gaps')} AND seq = 100`,
      'missing',
      'gaps',
      200n,
    ],
    ['the first entries', `DELETE FROM timeline_entries WHERE ${entryOf('a')} AND seq < 9`, 'missing', 'a', 9n],
    [
      'the first behind a cut',
      `DELETE FROM timeline_entries WHERE ${entryOf('cut')} AND seq = 31`,
      'missing',
      'cut',
      32n,
    ],
    ['all entries', `DELETE FROM timeline_entries WHERE ${entryOf('gaps')}`, 'missing', 'gaps', undefined],
    [
      'the newest, of which a key tells',
      `DELETE FROM timeline_entries WHERE ${entryOf('a')} AND seq > 51`,
      'missing',
      'a',
      52n,
    ],
    [
      'the newest, of which a position tells',
      `DELETE FROM timeline_entries WHERE ${entryOf('a')} AND seq > 49`,
      'head',
      'a',
      50n,
    ],
    ['the Timeline', "DELETE FROM timeline_timelines WHERE name = 'b'", 'reference', undefined, 1n],
    ['the library', 'DELETE FROM timeline_libraries', 'reference', 'a', undefined],
    ['a shared body', 'DELETE FROM timeline_bodies', 'reference', 'a', 53n],
    ['a count of pointers', 'UPDATE timeline_bodies SET refs = 2', 'reference', undefined, undefined],
    ['the table of keys', 'DROP TABLE timeline_keys', 'schema', undefined, undefined],
  ])('finds that %s is missing or wrong', async (_what, sql, code, timeline, seqId) => {
    const problems = await problemsAfter((database) => database.exec(sql));
    expect(
      problems.filter((problem) => problem.code === code).map((problem) => [problem.timeline, problem.seqId]),
    ).toContainEqual([timeline, seqId]);
  });

  it.each([
    ['a time that falls', `UPDATE timeline_entries SET at = 7 WHERE ${entryOf('a')} AND seq = 20`, 'order'],
    ['a time that is none', `UPDATE timeline_entries SET at = 'x' WHERE ${entryOf('a')} AND seq = 20`, 'value'],
    ['a body that is a number', `UPDATE timeline_entries SET body = 7 WHERE ${entryOf('a')} AND seq = 20`, 'value'],
    [
      'text that is none',
      `UPDATE timeline_entries SET body = CAST(x'c328' AS TEXT) WHERE ${entryOf('a')} AND seq = 20`,
      'value',
    ],
  ])('finds %s, and where', async (_what, sql, code) => {
    const problems = await problemsAfter((database) => database.exec(sql));
    expect(problems).toContainEqual(expect.objectContaining({ code, library: 'test', timeline: 'a', seqId: 20n }));
  });

  it('tells at most a hundred of a kind, and that there are more', async () => {
    const problems = await problemsAfter((database) => {
      database.exec('DELETE FROM timeline_keys');
      const insert = database.prepare("INSERT INTO timeline_keys VALUES (1, ?, 1, 'h', 0)");
      for (let i = 0; i < 300; i++) insert.run(`k${i}`);
    });
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toEqual({ code: 'missing', message: 'there are more of these' });
  });

  it('tells of a file that is none, and rejects where there is none or where it is of another version', async () => {
    const none = tempFile();
    await expect(checkTimelines(none)).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    await expect(checkTimelines(7 as never)).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      argument: 'file',
    });
    writeFileSync(none, 'x'.repeat(9000));
    expect(await checkTimelines(none)).toMatchObject({ ok: false, problems: [{ code: 'unreadable' }] });
    const path = await lively();
    look(path).database.exec("UPDATE timeline_meta SET value = '1' WHERE key = 'schema'");
    await expect(checkTimelines(path)).rejects.toMatchObject({ code: 'TIMELINE_UNSUPPORTED' });
  });
});

describe('64 bytes of the file overwritten at random', () => {
  const RUNS = nightly ? 600 : 10;

  /** Deterministic, so that a failure can be reproduced. */
  function random(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  it(`are found in all of ${RUNS} runs in which readers get something else than before`, async () => {
    const original = tempFile();
    const library = await openFile(original);
    for (let i = 0; i < 40; i++) {
      const text = (j: number) => JSON.stringify({ i, j, text: 'message '.repeat(12) });
      await library.append(
        ['a', 'b', 'c'].map((name) => write(name, ...Array.from({ length: 20 }, (_, j) => text(j)))),
      );
      await library.append(['a', 'b'].map((name) => keyed(name, `key-${i}`, text(99))));
    }
    const sound = await snapshot(library);
    await library.close();
    const tally = { untouched: 0, found: 0, silent: 0 };
    const silent: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const path = tempFile();
      writeFileSync(path, readFileSync(original));
      overwrite(path, random(run + 1));
      const { ok } = await checkTimelines(path).catch(() => ({ ok: false }));
      if (!ok) tally.found++;
      else if ((await readBack(path)) === sound) tally.untouched++;
      else {
        tally.silent++;
        silent.push(run);
      }
    }
    console.log(`64 bytes overwritten, ${RUNS} runs: ${JSON.stringify(tally)}`);
    expect(silent).toEqual([]);
    expect(tally.found).toBeGreaterThan(RUNS / 2);
  }, 300_000);

  function overwrite(path: string, next: () => number): void {
    const file = openSync(path, 'r+');
    const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(next() * 256));
    writeSync(file, bytes, 0, 64, Math.floor(next() * (statSync(path).size - 64)));
    closeSync(file);
  }

  async function snapshot(library: Awaited<ReturnType<typeof openFile>>): Promise<string> {
    const names = await library.timelines({ prefix: '', limit: 100 });
    const all = await Promise.all(names.map(async (name) => [name, bodiesOf(await readAll(library, name))]));
    return JSON.stringify(all);
  }

  async function readBack(path: string): Promise<string> {
    try {
      const library = await openFile(path, {}, { sweepMs: 60_000 });
      const text = await snapshot(library);
      await library.close();
      return text;
    } catch (error) {
      return String(error);
    }
  }
});
