import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { commandOn, scratchFile, scratchFolder, session } from './files.js';
import { allRows, createTable, get, keyOf, put } from './sdk.js';

const refusal = { name: 'EmulatorFileError', code: 'EMULATOR_FILE_FOREIGN' };
/** A line of a journal as version 0.1.0 wrote it. */
const TABLE = '[["table","ChUKAXQSBwoDZ2lkEAISBwoDc2VxEAESBgoECAAQABoNCP///////////wEQAQ==",1700000000000]]\n';

describe('a file that is not its own', () => {
  it.each([
    ['a note of one line without an end', 'dear diary'],
    ['a note', 'dear diary\nmonday\n'],
    ['an empty list', '[]'],
    ['an empty list on a line', '[]\n'],
    ['a list of lists', '[[]]\n[[1,2]]\n'],
    ['a package', '{"name":"app","version":"1.0.0"}'],
    ['a package over lines', '{\n  "name": "app"\n}\n'],
    ['records of another program', '[["order","t",1]]\n[["order","t",2]]\n'],
    ['a word in quotes', '"table"'],
    ['a number', '42'],
    ['null', 'null\n'],
    ['an empty line', '\n'],
    ['spaces', '   '],
    ['a byte', '['],
    ['a zero', '\0\0\0\0'],
    ['a byte order mark', `\ufeff${TABLE}`],
    ['a database', 'SQLite format 3\0\x10\0\x01\x01\0'],
    ['much without a line end', 'x'.repeat(3_000_000)],
    ['a journal with a foreign line', `${TABLE}hello\n`],
    ['a journal with a foreign end', `${TABLE}hello`],
    ['a journal with a record that lacks a field', `${TABLE}[["row","t","dQAAAA=="]]\n`],
    ['a journal with a row that is none', `${TABLE}[["row","t","dQAAAA==","1"]]\n`],
    ['a journal of a table that it lacks', `${TABLE}[["drop","u"]]\n`],
    ['a journal of a later version', '{"format":"timeline-model tablestore-emulator","version":2}\n[["later"]]\n'],
  ])('is refused and left alone: %s', async (_, content) => {
    const file = scratchFile();
    writeFileSync(file, content);
    const before = statSync(file);
    await expect(startTablestoreEmulator({ file })).rejects.toMatchObject(refusal);
    await expect(startTablestoreEmulator({ file })).rejects.toThrow(/left as it is: give the emulator another file/);
    expect(readFileSync(file, 'utf8')).toBe(content);
    expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(readdirSync(dirname(file))).toEqual(['tables']);
  });

  it('is refused if it is not a regular file', async () => {
    await expect(startTablestoreEmulator({ file: '/dev/null' })).rejects.toMatchObject(refusal);
    await expect(startTablestoreEmulator({ file: scratchFolder() })).rejects.toMatchObject(refusal);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('is refused if it has a second name, which would keep the old content', async () => {
    const file = scratchFile();
    await session(file, (client) => createTable(client, 't'));
    linkSync(file, `${file}-too`);
    await expect(startTablestoreEmulator({ file })).rejects.toThrow('2 names (hard links)');
  });

  it('stays if it has the name of the lock or of the file under way', async () => {
    const file = scratchFile();
    writeFileSync(`${file}.compacting`, 'mine');
    await session(file, async (client) => {
      await createTable(client, 't');
      for (let round = 0; round < 20; round++) await put(client, 't', 'a', 1);
    });
    await session(file, async (client) => expect(await allRows(client)).toHaveLength(1));
    expect(readFileSync(`${file}.compacting`, 'utf8')).toBe('mine');
    writeFileSync(`${file}.emulator-lock`, 'mine too');
    await expect(startTablestoreEmulator({ file })).rejects.toThrow(`${file}.emulator-lock blocks`);
    expect(readFileSync(`${file}.emulator-lock`, 'utf8')).toBe('mine too');
  });

  it('is named by the command, which ends', async () => {
    const file = scratchFile('package.json');
    writeFileSync(file, '{"name":"app"}');
    const { status, stderr } = spawnSync(process.execPath, commandOn(file), { encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('package.json: this is not a file of the TableStore emulator'),
    ]);
    expect(readFileSync(file, 'utf8')).toBe('{"name":"app"}');
  });
});

describe('a file that is its own', () => {
  it('may be empty or missing', async () => {
    const empty = scratchFile();
    writeFileSync(empty, '');
    for (const file of [empty, scratchFile()]) {
      await session(file, async (client) => {
        await createTable(client, 't');
        await put(client, 't', 'a', 1);
      });
      await session(file, async (client) => expect(keyOf((await get(client, 't', 'a', 1)).row)).toEqual(['a', '1']));
    }
  });

  it('is recovered wherever a crash cut its last line', async () => {
    const file = scratchFile();
    await session(file, async (client) => {
      await createTable(client, 't');
      await put(client, 't', 'a', 1);
    });
    const whole = statSync(file).size;
    await session(file, (client) => put(client, 't', 'a', 2));
    const content = readFileSync(file);
    for (let size = whole; size <= content.length; size += size < content.length - 3 ? 9 : 1) {
      writeFileSync(file, content);
      truncateSync(file, size);
      const rows = await session(file, async (client) => {
        const found = await allRows(client);
        await put(client, 't', 'a', 3);
        return found.length;
      });
      expect(rows).toBe(size === content.length ? 2 : 1);
      await session(file, async (client) => expect(await allRows(client)).toHaveLength(rows + 1));
    }
  });

  it('is recovered if a crash cut its very first line', async () => {
    const file = scratchFile();
    await session(file, async () => {});
    const { size } = statSync(file);
    truncateSync(file, size - 2);
    await session(file, (client) => createTable(client, 't'));
    await session(file, async (client) => expect((await client.listTable({})).tableNames).toEqual(['t']));
  });

  it('is taken over from version 0.1.0, whole, cut, and cut in its first line', async () => {
    for (const [content, tables] of [
      [TABLE, ['t']],
      [`${TABLE}[["drop","t"`, ['t']],
      [TABLE.slice(0, 30), []],
    ] as const) {
      const file = scratchFile();
      writeFileSync(file, content);
      await session(file, async (client) => expect((await client.listTable({})).tableNames).toEqual(tables));
      expect(readFileSync(file, 'utf8')).toMatch(/^\{"format":"timeline-model tablestore-emulator","version":1\}\n/);
      await session(file, async (client) => expect((await client.listTable({})).tableNames).toEqual(tables));
    }
  });

  it('keeps the link that leads to it, and its rights, when it is rewritten', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'real'));
    const [file, link] = [join(folder, 'real', 'tables'), join(folder, 'link')];
    writeFileSync(file, `${TABLE}[["drop","t"]]\n${TABLE}`, { mode: 0o600 });
    symlinkSync(join('real', 'tables'), link);
    await session(link, async (client) => expect((await client.listTable({})).tableNames).toEqual(['t']));
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect([readdirSync(folder).sort(), readdirSync(join(folder, 'real'))]).toEqual([['link', 'real'], ['tables']]);
  });
});
