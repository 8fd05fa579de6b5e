import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, expectVerified, type Finished, LOG, root } from './run.js';

let folder: string;
/** A run that several tests look at. */
let inMemory: Promise<Finished>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'example-test-'));
  inMemory = example('--store', 'memory');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the group chat example', () => {
  it('runs a scripted conversation on a temporary database and removes it', async () => {
    const finished = await example();
    expectVerified(finished, 9, 4, 36);
    const database = /database +(\S+) +temporary/.exec(finished.out)?.[1];
    expect(database).toBeDefined();
    expect(existsSync(database!)).toBe(false);
  });

  it('shows both modes, an edit, a recall, a device that is woken, unread counts and a repetition', async () => {
    const { out } = await inMemory;
    expect(out).toMatch(/tide is at 10:40.* → 4 inboxes\n/);
    expect(out).toMatch(/first ferry.* → 0 inboxes\n/);
    expect(out).toMatch(/#3 +Ada +Low tide is at 10:50.* edited\n +#8 +Chloe +\(taken back\)\n/);
    expect(out).toContain("the laptop has Ben's message");
    expect(out).toMatch(/#8 +Chloe +\(taken back\)\n +#11 +Ben .*\n +#12 +Ada .*\n.*\n +#5 +Dev /);
    expect(out).toContain('harbour walk  1 unread message, the last by Ada\n');
    expect(out).toContain('ferry times   1 unread message, the last by Harbour\n');
    expect(out).toContain('still #3, and the laptop gets 0 new messages');
    expect(out).toContain('✓ channel   a new tab of passenger 7 gets its message, once');
  });

  it('writes nothing twice when it runs again on the same database, and says so', async () => {
    const db = join(folder, 'demo.db');
    const pulled = /pulls what is new.*\n +#2 /;
    expect((await example('--db', db)).out).toMatch(pulled);
    const again = await example('--db', db);
    expectVerified(again, 9, 4, 36);
    expect(again.out).toContain('✓ repeats   9 messages sent again, and nothing is there twice');
    expect(again.out).not.toMatch(pulled);
  });

  it.each([[], ['--import', LOG]])('writes plain text of 80 columns where no terminal is', async (...args) => {
    const { out } = await (args.length === 0 ? inMemory : example('--store', 'memory', ...args));
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(out).not.toContain('\x1b');
    expect(out.split('\n').filter((line) => line !== line.trimEnd())).toEqual([]);
  });
});

describe('the replay of an IRC log', () => {
  it('accounts for every line and delivers to whoever was present', async () => {
    const finished = await example('--import', LOG);
    expectVerified(finished, 45, 9, 198);
    for (const line of [
      /messages +45 +3 of them actions/,
      /joins +6/,
      /leaves +3/,
      /renames +2/,
      /kicks +1/,
      /modes +1/,
      /topics +1/,
      /other +4/,
    ]) {
      expect(finished.out).toMatch(line);
    }
    expect(finished.out).toContain('line 31: the client had wrapped it');
    expect(finished.out).toContain('line 34: (blank)');
    expect(finished.out).toContain('1 line not in UTF-8');
    expect(finished.out).toContain('✓ sum       63 of 63 lines');
    expect(finished.out).toMatch(/maja's phone pulls.*\n +45 messages in 1 page/);
    expect(finished.out).toMatch(/\[dk\] birk +and me.*\n +#\d+ +maja +you too, birk\n/);
    expect(finished.out).toMatch(/rate +[\d,]+ messages, [\d,]+ deliveries a second\n/);
  });

  it('continues a log that has grown', async () => {
    const db = join(folder, 'grown.db');
    const part = join(folder, 'chat.irc.txt');
    const lines = readFileSync(join(root, LOG), 'latin1').split('\n');
    writeFileSync(part, lines.slice(0, 30).join('\n'), 'latin1');
    expect((await example('--db', db, '--import', part)).out).toMatch(/stored +23\n/);
    const whole = await example('--db', db, '--import', LOG);
    expectVerified(whole, 45, 9, 198);
    expect(whole.out).toMatch(/stored +22 +23 were there already\n/);
  });

  it('refuses another log of the same name, before it writes anything', async () => {
    const db = join(folder, 'other.db');
    const other = join(folder, 'other.txt');
    writeFileSync(other, '[09:00] <ada> one\n[09:01] <ada> two\n');
    expect((await example('--db', db, '--import', other)).code).toBe(0);
    writeFileSync(other, '[09:00] <ada> one\n[09:01] <ada> three\n[09:02] <ada> four\n');
    expect(await example('--db', db, '--import', other)).toMatchObject({
      code: 1,
      err: 'group-chat: this database holds another log of the name "other": line 2 differs\n',
    });
    writeFileSync(other, '[09:00] <ada> one\n[09:01] <ada> two\n');
    expect((await example('--db', db, '--import', other)).out).toContain('✓ history   2 messages, in the order');
  });

  it('may run twice at once on one database', async () => {
    const db = join(folder, 'race.db');
    const both = await Promise.all([example('--db', db, '--import', LOG), example('--db', db, '--import', LOG)]);
    for (const finished of both) expectVerified(finished, 45, 9, 198);
    const stored = both.map(({ out }) => Number(/stored +(\d+)/.exec(out)?.[1]));
    expect(stored[0]! + stored[1]!).toBe(45);
  });

  it('takes an empty log', async () => {
    const empty = join(folder, 'empty.txt');
    writeFileSync(empty, '');
    expectVerified(await example('--store', 'memory', '--import', empty), 0, 0, 0);
  });
});

describe('the command line', () => {
  it('explains itself', async () => {
    const { code, out, err } = await example('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const flag of ['--import FILE', '--db FILE', '--store NAME', 'REDIS_URL', '--help'])
      expect(out).toContain(flag);
  });

  it.each([
    [['--nope'], "Unknown option '--nope'; see --help"],
    [['stray'], "Unexpected argument 'stray'"],
    [['--store', 'oracle'], 'no store "oracle"; there is sqlite, redis, tablestore, memory'],
    [['--store', 'memory', '--db', 'x.db'], '--db is for the sqlite store, not for memory'],
    [['--store', 'redis', '--db', 'x.db'], '--db is for the sqlite store, not for redis'],
    [['--import'], "Option '--import <value>' argument missing"],
    [['--import', ''], '--import needs the name of a file'],
    [['--import', 'no/such/file'], 'cannot read no/such/file: there is no such file'],
    [['--import', 'examples'], 'cannot read examples: it is a folder'],
    [['--db', 'no/such/folder/x.db'], 'directory does not exist'],
    [['--db', 'package.json'], 'file is not a database'],
  ])('answers %j with one line and exit code 1', async (args, message) => {
    const { code, err } = await example(...args);
    expect(err).toMatch(/^group-chat: .*\n$/);
    expect(err).toContain(message);
    expect(code).toBe(1);
  });
});
