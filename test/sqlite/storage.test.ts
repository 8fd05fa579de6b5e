import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { bodiesOf, fanOut, look, openFile, readAll, tempFile, write } from './support.js';

const quick = { sweepMs: 5 };
const body = (i: number) => JSON.stringify({ i, text: 'x'.repeat(100) });
const many = (count: number) => Array.from({ length: count }, (_, i) => body(i));

describe('physical removal', () => {
  it('follows a trim in small steps, and readers never see what was cut', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, quick);
    for (let i = 0; i < 3; i++) await library.append([write('a', ...many(1000)), write('b', ...many(10))]);
    await library.trim('a', { through: 2500n });
    expect((await library.heads(['a']))[0]).toMatchObject({ firstSeqId: 2501n, lastSeqId: 3000n });
    const file = look(path);
    const inTimelineA = "timeline = (SELECT id FROM timeline_timelines WHERE name = 'a')";
    await until('2500 rows are removed', () => file.count('timeline_entries', inTimelineA) === 500);
    expect(file.count('timeline_entries')).toBe(530);
    expect((await readAll(library, 'a'))[0]?.seqId).toBe(2501n);
    expect(await readAll(library, 'b')).toHaveLength(30);
  });

  it('follows expiry without anyone calling, and keeps what has not expired', async () => {
    const path = tempFile();
    const library = await openFile(path, { ttlMs: 1000 }, quick);
    await library.append([write('a', ...many(700)), write('b', body(0))]);
    library.clock.now += 600;
    await library.append([write('a', 'kept')]);
    library.clock.now += 500;
    expect(bodiesOf(await readAll(library, 'a'))).toEqual(['kept']);
    const file = look(path);
    await until('only the young entry is left', () => file.count('timeline_entries') === 1);
    const [a, b] = await library.heads(['a', 'b']);
    expect(a).toMatchObject({ firstSeqId: 701n, lastSeqId: 701n });
    expect(b).toMatchObject({ firstSeqId: 2n, lastSeqId: 1n });
  });

  it('is taken up by the next process when the one that trimmed is gone', async () => {
    const path = tempFile();
    const first = await openFile(path, {}, { sweepMs: 60_000 });
    await first.append([write('a', ...many(50))]);
    const trimmed = first.trim('a', { keepLast: 5 });
    const closed = trimmed.then(() => first.close());
    await closed;
    const second = await openFile(path, {}, quick);
    expect(await readAll(second, 'a')).toHaveLength(5);
    const file = look(path);
    await until('45 rows are removed', () => file.count('timeline_entries') === 5);
  });

  it('forgets keys beyond their window, and only those', async () => {
    const path = tempFile();
    const library = await openFile(path, {}, { ...quick, keyWindowMs: 1000 });
    const keyed = (key: string) => ({
      timeline: 'a',
      entries: [{ payload: { body: 'x', hash: 'h', shared: false }, key }],
    });
    for (let i = 0; i < 250; i++) await library.append([keyed(`old-${i}`)]);
    library.clock.now += 700;
    await library.append([keyed('young')]);
    library.clock.now += 400;
    const file = look(path);
    await until('the old keys are removed', () => file.count('timeline_keys') === 1);
    const [old, young] = await library.append([keyed('old-1'), keyed('young')]);
    expect(old).toMatchObject({ ok: true, entries: [{ seqId: 252n, duplicate: false }] });
    expect(young).toMatchObject({ ok: true, entries: [{ seqId: 251n, duplicate: true }] });
  });
});

describe('shared bodies', () => {
  it('are stored once with the exact number of pointers, in each transaction that needs them', async () => {
    const path = tempFile();
    const library = await openFile(path);
    const inboxes = Array.from({ length: 300 }, (_, i) => `inbox:${i}`);
    await library.append(fanOut(inboxes, 'hello'));
    const refused = { ...fanOut(['inbox:0'], 'again')[0]!, expectedLast: 99n };
    const again = fanOut(['inbox:1', 'inbox:2'], 'again');
    const outcomes = await library.append([...again, { ...refused, entries: again[0]!.entries }]);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, false]);
    const file = look(path);
    expect(file.all("SELECT sum(refs) AS refs FROM timeline_bodies WHERE body = 'hello'")).toEqual([{ refs: 300 }]);
    expect(file.all("SELECT sum(refs) AS refs FROM timeline_bodies WHERE body = 'again'")).toEqual([{ refs: 2 }]);
    expect(bodiesOf(await readAll(library, 'inbox:1'))).toEqual(['hello', 'again']);
  });

  it('go with the last entry that points to them: by update, deletion, trim or expiry', async () => {
    const path = tempFile();
    const library = await openFile(path, { ttlMs: 1000 }, quick);
    await library.append(fanOut(['a', 'b', 'c', 'd'], 'hello'));
    const file = look(path);
    const refs = () =>
      file
        .all('SELECT refs FROM timeline_bodies')
        .reduce((sum: number, row) => sum + (row as { refs: number }).refs, 0);
    expect(refs()).toBe(4);
    await library.update('a', 1n, { body: 'changed', shared: false });
    await library.delete('b', 1n);
    await library.delete('b', 1n);
    expect(refs()).toBe(2);
    expect(bodiesOf(await readAll(library, 'c'))).toEqual(['hello']);
    await library.trim('c', { keepLast: 0 });
    await until('the trimmed pointer is counted down', () => refs() === 1);
    library.clock.now += 1000;
    await until('the body goes with its last pointer', () => file.count('timeline_bodies') === 0);
    await until('all rows expire', () => file.count('timeline_entries') === 0);
  });
});

describe('No reuse', () => {
  it.each(['trim', 'expiry', 'deletion'])('ids and times go on after %s of everything and a restart', async (how) => {
    const path = tempFile();
    const first = await openFile(path, { ttlMs: 1000 }, quick);
    await first.append([write('a', 'one', 'two', 'three')]);
    const { now: lastAt } = first.clock;
    if (how === 'trim') await first.trim('a', { keepLast: 0 });
    if (how === 'deletion') for (const seqId of [1n, 2n, 3n]) await first.delete('a', seqId);
    if (how === 'expiry') first.clock.now += 1000;
    const file = look(path);
    if (how !== 'deletion') await until('no row is left', () => file.count('timeline_entries') === 0);
    await first.close();
    const clock = { now: lastAt - 5000 };
    const second = await openFile(path, { clock, ttlMs: 10_000, alter: true }, quick);
    expect((await second.heads(['a']))[0]).toMatchObject({ lastSeqId: 3n });
    expect((await second.append([write('a', 'four')]))[0]).toMatchObject({ entries: [{ seqId: 4n }] });
    const rows = await readAll(second, 'a', 3n);
    expect(rows).toMatchObject([{ seqId: 4n, body: 'four', appendedAt: lastAt }]);
  });
});
