import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { until } from '../support/until.js';
import { commandOn, scratchFile, scratchFolder, session, startCommand } from './files.js';
import { allRows, clientOf, createTable, put } from './sdk.js';

const inUse = { name: 'EmulatorFileError', code: 'EMULATOR_FILE_IN_USE' };

async function started(file: string) {
  const emulator = await startTablestoreEmulator({ file });
  onTestFinished(() => emulator.close());
  return emulator;
}

describe('the lock of a file', () => {
  it('refuses a second emulator in one process, which harms nothing, until the first is closed', async () => {
    const file = scratchFile();
    const first = await started(file);
    const client = clientOf(first);
    await createTable(client, 't');
    await put(client, 't', 'a', 1);
    await expect(startTablestoreEmulator({ file })).rejects.toMatchObject(inUse);
    await expect(startTablestoreEmulator({ file })).rejects.toThrow(`${file}: another emulator has this file open`);
    await put(client, 't', 'a', 2);
    await first.close();
    await session(file, async (second) => expect(await allRows(second)).toHaveLength(2));
    expect(readdirSync(dirname(file))).toEqual(['tables']);
  });

  it('lets one of many that start at once have it', async () => {
    const file = scratchFile();
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => startTablestoreEmulator({ file })));
      const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      await Promise.all(winners.map((emulator) => emulator.close()));
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(inUse);
      }
    }
    expect(readdirSync(dirname(file))).toEqual(['tables']);
  });

  it('is met by links, relative paths and detours', async () => {
    const folder = scratchFolder();
    const file = join(folder, 'tables');
    await started(file);
    mkdirSync(join(folder, 'sub'));
    symlinkSync(file, join(folder, 'sub', 'link'));
    symlinkSync(folder, join(folder, 'sub', 'folder'));
    const others = [
      relative(process.cwd(), file),
      join(folder, 'sub', '..', 'tables'),
      join(folder, 'sub', 'link'),
      join(folder, 'sub', 'folder', 'tables'),
    ];
    for (const other of others) await expect(startTablestoreEmulator({ file: other })).rejects.toMatchObject(inUse);
  });

  it('is met by a link to a file that is yet to be made', async () => {
    const folder = scratchFolder();
    symlinkSync(join(folder, 'tables'), join(folder, 'link'));
    await started(join(folder, 'link'));
    await expect(startTablestoreEmulator({ file: join(folder, 'tables') })).rejects.toMatchObject(inUse);
  });

  it('is none of another file beside it', async () => {
    const file = scratchFile();
    await started(file);
    await started(`${file}.emulator-lock.12345678.other`);
    await started(`${file}2`);
  });

  it('works where paths are too long for sockets', async () => {
    const folder = join(scratchFolder(), 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'z'.repeat(200));
    const first = await started(file);
    await expect(startTablestoreEmulator({ file })).rejects.toMatchObject(inUse);
    await first.close();
    await (await started(file)).close();
    expect(readdirSync(folder)).toEqual(['z'.repeat(200)]);
  });

  it('is freed when the emulator cannot start', async () => {
    const file = scratchFile();
    const other = await startTablestoreEmulator();
    onTestFinished(() => other.close());
    const port = Number(new URL(other.endpoint).port);
    await expect(startTablestoreEmulator({ file, port })).rejects.toThrow('EADDRINUSE');
    await started(file);
    const foreign = scratchFile();
    writeFileSync(foreign, 'mine');
    await expect(startTablestoreEmulator({ file: foreign })).rejects.toMatchObject({ code: 'EMULATOR_FILE_FOREIGN' });
    writeFileSync(foreign, '');
    await started(foreign);
  });

  it('is freed by kill -9 and by nothing less, however often', async () => {
    const file = scratchFile();
    for (let round = 0; round < 2; round++) {
      const { client, child, kill } = await startCommand(file);
      if (round === 0) await createTable(client, 't');
      await put(client, 't', 'a', round);
      // One that was stopped cannot answer, but still has the file.
      child.kill('SIGSTOP');
      await expect(startTablestoreEmulator({ file })).rejects.toMatchObject(inUse);
      await kill();
    }
    await session(file, async (client) => expect(await allRows(client)).toHaveLength(2));
    expect(readdirSync(dirname(file))).toEqual(['tables']);
  });

  it('is freed when its process ends without closing', async () => {
    const file = scratchFile();
    const module = JSON.stringify(new URL('../../emulator/index.ts', import.meta.url).href);
    const script = `import { startTablestoreEmulator } from ${module};
      await startTablestoreEmulator({ file: ${JSON.stringify(file)} });
      process.exit(0);`;
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    expect(status).toBe(0);
    await started(file);
  });

  it('holds between processes that are all pid 1, each with a network of its own, as in containers', async () => {
    const file = scratchFile();
    const unshare = ['unshare', '--fork', '--pid', '--mount-proc', '--net', '--kill-child'];
    // Where a test may make no such namespaces, plain processes are what is left to try.
    const [command = '', ...args] =
      spawnSync('unshare', [...unshare.slice(1), 'true']).status === 0 ? unshare : ['env'];
    const { kill } = await startCommand(file, [command, ...args, process.execPath]);
    const second = spawnSync(command, [...args, process.execPath, ...commandOn(file)], { encoding: 'utf8' });
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining('another emulator has this file open')]);
    await expect(startTablestoreEmulator({ file })).rejects.toMatchObject(inUse);
    await kill();
    await until('the file is free', () =>
      started(file).then(
        () => true,
        () => false,
      ),
    );
  });
});
