import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { bundled } from '../support/bundled.js';
import { clientOf, createTable, keyOf, put, returnKey, sdk } from './sdk.js';

const CLI = fileURLToPath(new URL('../../emulator/cli.ts', import.meta.url));

const run = (...args: string[]) => node(bundled(CLI), ...args);
/** The package has its version in a file beside the command. */
const runInPlace = (...args: string[]) => node('--import', 'tsx', CLI, ...args);

const node = async (...args: string[]) => {
  const { stdout, code, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 }).then(
    (result) => ({ ...result, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { stdout, stderr, code };
};

describe('the command', () => {
  it('serves with the options of its line and of a file until it is stopped, and prints its address', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tablestore-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const options = join(folder, 'options.json');
    writeFileSync(
      options,
      JSON.stringify({ instanceName: 'from-file', accessKeyId: 'k', autoIncrement: { from: '9007199254740993' } }),
    );
    const named = ['--port', '0', '--instance', 'mine', '--key-secret', 's', '--options', options];
    const child = spawn(process.execPath, [bundled(CLI), 'tablestore-emulator', ...named]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    const [first = '', ...others] = String(output).split('\n');
    expect(others).toEqual([
      'TABLESTORE_INSTANCE=mine',
      'TABLESTORE_ACCESS_KEY_ID=k',
      'TABLESTORE_ACCESS_KEY_SECRET=s',
      '',
    ]);
    const [, endpoint] = /^TABLESTORE_ENDPOINT=(http:\/\/127\.0\.0\.1:\d+)$/.exec(first) ?? [];
    const client = clientOf({ endpoint: endpoint!, instanceName: 'mine', accessKeyId: 'k', accessKeySecret: 's' });
    await createTable(client, 't', { key: { gid: 'STRING', seq: 'AUTO' } });
    const { row } = await put(client, 't', 'a', sdk.PK_AUTO_INCR, [{ c: 'v' }], { returnContent: returnKey });
    expect(keyOf(row)).toEqual(['a', '9007199254740993']);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('explains itself, and refuses what it does not understand', async () => {
    const [help, option] = await Promise.all([run('--help'), run('tablestore-emulator', '--prot', '1')]);
    expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('--file') });
    expect(option).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/--prot[\s\S]*--port/) });
  });

  it('listens on the port of its line, else on that of the file, and says which version it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tablestore-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const other = await startTablestoreEmulator();
    onTestFinished(() => other.close());
    const taken = Number(new URL(other.endpoint).port);
    const options = join(folder, 'options.json');
    writeFileSync(options, JSON.stringify({ port: taken }));
    const [ofFile, version] = await Promise.all([
      run('tablestore-emulator', '--options', options),
      runInPlace('--version'),
    ]);
    expect(ofFile).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`EADDRINUSE: address already in use 127.0.0.1:${taken}`),
    });
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/) });
  });

  it.each([
    ['an option that is none', '{ "limit": { "pageRows": 5 } }', 'limit is not an option of the emulator'],
    ['a seed of another type', '{ "seed": "1" }', 'seed must be an integer of at least 0, not "1".'],
    ['an id that is no number', '{ "autoIncrement": { "from": "1e3" } }', 'autoIncrement.from must be a bigint'],
    ['no object', '[]', 'must hold one JSON object'],
    ['no JSON', '{', 'options.json: '],
  ])('refuses a file of options with %s', async (_, text, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'tablestore-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'options.json'), text);
    const outcome = await run('tablestore-emulator', '--port', '0', '--options', join(folder, 'options.json'));
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  it.each(['', '80 90', '0x50', '70000'])('refuses the port %j', async (port) => {
    const outcome = await run('tablestore-emulator', '--port', port);
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/port/) });
  });
});
