import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import { exampleWith, expectVerified, LOG } from './run.js';

const NONE = {
  TABLESTORE_ENDPOINT: '',
  TABLESTORE_INSTANCE: '',
  TABLESTORE_ACCESS_KEY_ID: '',
  TABLESTORE_ACCESS_KEY_SECRET: '',
};

describe('the group chat example on TableStore', () => {
  let emulator: TablestoreEmulator;
  let account: NodeJS.ProcessEnv;

  beforeAll(async () => {
    emulator = await startTablestoreEmulator();
    account = {
      TABLESTORE_ENDPOINT: emulator.endpoint,
      TABLESTORE_INSTANCE: emulator.instanceName,
      TABLESTORE_ACCESS_KEY_ID: emulator.accessKeyId,
      TABLESTORE_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    };
  });
  afterAll(() => emulator?.close());

  it('starts an emulator of its own', async () => {
    const finished = await exampleWith(NONE, '--store', 'tablestore');
    expectVerified(finished, 9, 4, 36);
    expect(finished.out).toMatch(/instance +\S+ at http:\S+ +of the emulator/);
  });

  it('writes nothing twice when it runs again on the instance of the environment', async () => {
    const run = () => exampleWith(account, '--store', 'tablestore', '--import', LOG);
    expectVerified(await run(), 45, 9, 198);
    const again = await run();
    expectVerified(again, 45, 9, 198);
    expect(again.out).toContain(`instance    ${emulator.instanceName} at ${emulator.endpoint}  of TABLESTORE_ENDPOINT`);
    expect(again.out).toMatch(/stored +0 +45 were there already\n +delivered +0 +198 were there already\n/);
  });

  it('says in one line what is missing, wrong or refused, and no secret', async () => {
    const run = (changed: NodeJS.ProcessEnv) => exampleWith({ ...account, ...changed }, '--store', 'tablestore');
    const needs = await run({ TABLESTORE_INSTANCE: '', TABLESTORE_ACCESS_KEY_ID: '' });
    expect(needs).toMatchObject({
      code: 1,
      err: 'group-chat: TableStore needs TABLESTORE_INSTANCE, TABLESTORE_ACCESS_KEY_ID too\n',
    });
    expect(await run({ TABLESTORE_ENDPOINT: 'localhost' })).toMatchObject({
      code: 1,
      err: 'group-chat: TABLESTORE_ENDPOINT must be like https://INSTANCE.REGION.ots.aliyuncs.com\n',
    });
    const refused = await run({ TABLESTORE_ACCESS_KEY_SECRET: 'not-the-secret' });
    expect(refused).toMatchObject({
      code: 1,
      out: expect.any(String),
      err: expect.stringMatching(/^group-chat: .*OTSAuthFailed.*\n$/),
    });
    expect(refused.err).not.toContain('not-the-secret');
  });
});
