import { describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { AcceptedClock } from '../../src/clock.js';
import { until } from '../support/until.js';
import { afterTest, look, openFile, openLibrary, readAll, tempFile, write } from './support.js';

const DAY_MS = 86_400_000;
const quick = { sweepMs: 5 };
const keyed = (key: string) => ({
  timeline: 'a',
  entries: [{ payload: { body: 'x', hash: 'h', shared: false }, key }],
});

interface WrongClock {
  readonly clock: AcceptedClock;
  /** How far it is ahead. */
  readonly wrong: { ms: number };
  /** Resolves once it was asked for the time again, several times. */
  asked(): Promise<void>;
}

function wrongClock(wrong = { ms: 0 }): WrongClock {
  let count = 0;
  const now = () => {
    count++;
    return Date.now() + wrong.ms;
  };
  const asked = () => {
    const before = count;
    return until('the sweeper asks for the time', () => count > before + 3);
  };
  return { clock: new AcceptedClock({ now, toleranceMs: 300_000, warn: () => {} }), wrong, asked };
}

/** A library with `count` entries of a clock that was 400 days ahead, behind one of a right clock. */
async function poisoned(count: number, ttlMs?: number): Promise<string> {
  const path = tempFile();
  const clock = { now: Date.now() };
  const library = await openFile(path, { clock, ...(ttlMs !== undefined && { ttlMs }) });
  await library.append([write('a', 'right')]);
  clock.now += 400 * DAY_MS;
  for (let left = count; left > 0; left -= 1000)
    await library.append([write('a', ...Array<string>(Math.min(left, 1000)).fill('p'))]);
  await library.close();
  return path;
}

function expectSane(rows: readonly { appendedAt: number }[]): void {
  rows.forEach(({ appendedAt }, i) => {
    expect(Math.abs(appendedAt - Date.now())).toBeLessThan(60_000);
    expect(appendedAt).toBeGreaterThanOrEqual(rows[i - 1]?.appendedAt ?? 0);
  });
}

describe('times that a wrong clock has given', () => {
  it('are set right by the sweeper, many of them in steps, without anyone who appends', async () => {
    const path = await poisoned(1700);
    const library = await openFile(path, { accepted: wrongClock().clock }, quick);
    await until('all times are sane', async () =>
      (await readAll(library, 'a')).every((row) => row.appendedAt < Date.now() + 1000),
    );
    const rows = await readAll(library, 'a');
    expect(rows).toHaveLength(1701);
    expectSane(rows);
  });

  it('are set right by the next append, and the rest of many in a later process', async () => {
    const path = await poisoned(1700);
    const first = await openFile(path, { accepted: wrongClock().clock }, { sweepMs: 60_000 });
    await first.append([write('a', 'new')]);
    const after = await readAll(first, 'a');
    expect(after.filter((row) => row.appendedAt > Date.now() + DAY_MS)).toHaveLength(1200);
    expectSane(after.slice(-500));
    await first.close();
    const second = await openFile(path, { accepted: wrongClock().clock }, quick);
    const file = look(path);
    await until('nothing is left to set right', () => file.count('timeline_timelines', 'heal_to IS NOT NULL') === 0);
    expectSane(await readAll(second, 'a'));
  });

  it('no longer keep a Timeline from expiring', async () => {
    const path = await poisoned(10, 2000);
    const library = await openFile(path, { accepted: wrongClock().clock }, quick);
    await library.append([write('a', 'new')]);
    expect(await readAll(library, 'a')).toHaveLength(12);
    const file = look(path);
    await until('everything has expired', () => file.count('timeline_entries') === 0);
    expect((await library.heads(['a']))[0]).toMatchObject({ lastSeqId: 12n });
  });

  it('do not live on in the time of an entry that was trimmed, nor in keys', async () => {
    const path = tempFile();
    const clock = { now: Date.now() + 400 * DAY_MS };
    const first = await openFile(path, { clock }, { ...quick, keyWindowMs: 500 });
    await first.append([keyed('k')]);
    await first.trim('a', { keepLast: 0 });
    const file = look(path);
    await until('the entry is removed', () => file.count('timeline_entries') === 0);
    await first.close();
    const library = await openFile(path, { accepted: wrongClock().clock }, quick);
    await library.append([write('a', 'new')]);
    expectSane(await readAll(library, 'a'));
    await until('the key is forgotten', () => file.count('timeline_keys') === 0);
  });
});

describe('a clock that is wrong', () => {
  it('for a while removes neither entries nor keys, physically', async () => {
    const path = tempFile();
    const { clock, wrong, asked } = wrongClock();
    const library = await openFile(path, { accepted: clock, ttlMs: 7 * DAY_MS }, quick);
    await library.append([keyed('k')]);
    wrong.ms = 30 * DAY_MS;
    await library.trim('other', { keepLast: 0 });
    await asked();
    const file = look(path);
    expect([file.count('timeline_entries'), file.count('timeline_keys')]).toEqual([1, 1]);
    wrong.ms = 0;
    expect(await library.append([keyed('k')])).toMatchObject([{ ok: true, entries: [{ seqId: 1n, duplicate: true }] }]);
  });

  it('in a process that merely opens the library, removes nothing', async () => {
    const path = tempFile();
    const right = await openFile(path, { accepted: wrongClock().clock, ttlMs: 7 * DAY_MS }, quick);
    await right.append([keyed('k')]);
    await right.close();
    const { clock, asked } = wrongClock({ ms: 30 * DAY_MS });
    const ahead = await openFile(path, { accepted: clock }, quick);
    await ahead.append([write('a', 'by the wrong clock')]);
    const file = look(path);
    await asked();
    expect([file.count('timeline_entries'), file.count('timeline_keys')]).toEqual([2, 1]);
    expectSane(await readAll(ahead, 'a'));
  });

  it('costs no page for each append: accepted time goes into the file now and then', async () => {
    const path = tempFile();
    const library = await openFile(path, { accepted: wrongClock().clock });
    const clockOf = () => look(path).all('SELECT clock FROM timeline_libraries')[0];
    const before = clockOf();
    for (let i = 0; i < 50; i++) await library.append([write('a', 'x')]);
    expect(clockOf()).toEqual(before);
    expect(JSON.stringify(before)).toContain('expiry');
  });
});

describe('settings', () => {
  it('live in the file: another TTL or window is refused by every process, and altered on purpose', async () => {
    const path = tempFile();
    const first = await openFile(path, { ttlMs: 7 * DAY_MS }, { ...quick, keyWindowMs: DAY_MS });
    await first.append([write('a', 'kept')]);
    await expect(openFile(path, { ttlMs: 1000 })).rejects.toMatchObject({
      argument: 'ttlMs',
      expected: 1000,
      actual: 7 * DAY_MS,
    });
    await expect(openFile(path, {}, { keyWindowMs: 1000 })).rejects.toMatchObject({
      argument: 'keyWindowMs',
      expected: 1000,
    });
    const same = await openFile(path);
    expect([same.ttlMs, same.capabilities.keyWindowMs]).toEqual([7 * DAY_MS, DAY_MS]);
    await expect(openFile(path, { ttlMs: 1000, alter: true }, { readonly: true })).rejects.toMatchObject({
      code: 'TIMELINE_UNSUPPORTED',
    });
    expect(await readAll(first, 'a')).toHaveLength(1);
  });

  it('that introduce a TTL later make every process sweep, those too that had none to sweep by', async () => {
    const path = tempFile();
    const clock = { now: 1_700_000_000_000 };
    const first = await openFile(path, { clock }, { sweepMs: 20 });
    await first.append([write('a', 'one')]);
    clock.now += 5000;
    const altering = await openFile(path, { clock, ttlMs: 1000, alter: true }, { sweepMs: 60_000 });
    await altering.close();
    const file = look(path);
    await until('the process that was there removes it', () => file.count('timeline_entries') === 0);
    expect(first.ttlMs).toBe(1000);
  });

  it('of one library do not touch another: keys go by the window of their own', async () => {
    const path = tempFile();
    const long = await openFile(path, { name: 'chat' }, { ...quick, keyWindowMs: 7 * DAY_MS });
    await long.append([keyed('k')]);
    const clock = { now: long.clock.now };
    const short = await openFile(path, { name: 'metrics', clock }, { ...quick, keyWindowMs: 1000 });
    await short.append([keyed('k')]);
    clock.now += 5000;
    const file = look(path);
    await until('the key of the short window is forgotten', () => file.count('timeline_keys') === 1);
    expect(await long.append([keyed('k')])).toMatchObject([{ ok: true, entries: [{ duplicate: true }] }]);
  });
});

describe('the budget', () => {
  it.each(['a path', 'a handle with a timeout of its own'])(
    'ends every call on a locked file, through %s',
    async (how) => {
      const path = tempFile();
      const budgetMs = 1000;
      const source = how === 'a path' ? path : look(path).database;
      const adapter = sqliteAdapter(source, { busyTimeoutMs: budgetMs, synchronous: 'normal' });
      const library = await openLibrary(adapter);
      const other = await openLibrary(adapter, { name: 'other' });
      await library.append([write('a', 'one')]);
      const locker = look(path).database;
      locker.exec('BEGIN IMMEDIATE');
      afterTest(() => locker.inTransaction && locker.exec('ROLLBACK'));
      const start = performance.now();
      const busy = { code: 'TIMELINE_BUSY', outcome: 'not-applied', retryable: true };
      const calls = [
        library.append([write('a', 'two')]).then(([outcome]) => (outcome!.ok ? undefined : outcome!.error)),
        library.trim('a', { keepLast: 0 }).catch((error: unknown) => error),
        other.append([write('a', 'x')]).then(([outcome]) => (outcome!.ok ? undefined : outcome!.error)),
        openLibrary(adapter, { name: 'third' }).catch((error: unknown) => error),
        openFile(path, { name: 'fourth' }, { busyTimeoutMs: budgetMs }).catch((error: unknown) => error),
      ];
      for (const error of await Promise.all(calls)) expect(error).toMatchObject(busy);
      expect(performance.now() - start).toBeLessThan(budgetMs * 1.1 + 250);
      expect(await readAll(library, 'a')).toHaveLength(1);
      locker.exec('ROLLBACK');
      expect(await library.append([write('a', 'two')])).toMatchObject([{ ok: true }]);
    },
  );
});
