import { describe, expect, it, onTestFinished } from 'vitest';
import { type EmulatorOptions, type Fault, startTablestoreEmulator } from '../../emulator/index.js';
import { start } from './sdk.js';

const refusal = { name: 'EmulatorOptionError', code: 'EMULATOR_INVALID_OPTION' };
const fault: Fault = { when: 'before', effect: 'error' };

describe('options of the emulator', () => {
  it.each<[unknown, string]>([
    [{ prot: 1 }, 'prot is not an option of the emulator. Known: port, host,'],
    [{ limits: { pageRow: 1 } }, 'limits.pageRow is not an option of the emulator. Known: pageRows,'],
    [
      { autoIncrement: { start: 1n } },
      'autoIncrement.start is not an option of the emulator. Known: from, maxGap, maxCommitDelayMs.',
    ],
    [{ port: '8090' }, 'port must be an integer from 0 to 65535, not "8090".'],
    [{ port: 65_536 }, 'port must be an integer from 0 to 65535, not 65536.'],
    [{ port: 1.5 }, 'port must be an integer from 0 to 65535, not 1.5.'],
    [{ host: '' }, 'host must be a text that is not empty, not "".'],
    [{ file: true }, 'file must be a text that is not empty, not true.'],
    [{ file: '' }, 'file must be a text that is not empty, not "".'],
    [
      { instanceName: 'my instance' },
      'instanceName must be a text of ASCII characters without spaces, not "my instance".',
    ],
    [{ accessKeyId: 7 }, 'accessKeyId must be a text of ASCII characters without spaces, not 7.'],
    [{ now: 0 }, 'now must be a function, not 0.'],
    [{ seed: '1' }, 'seed must be an integer of at least 0, not "1".'],
    [{ autoIncrement: 5 }, 'autoIncrement must be an object, not 5.'],
    [{ autoIncrement: { from: 5 } }, 'autoIncrement.from must be a bigint from 0 to 9223372036854775807, not 5.'],
    [{ autoIncrement: { from: 2n ** 63n } }, 'autoIncrement.from must be a bigint'],
    [{ autoIncrement: { maxGap: -1 } }, 'autoIncrement.maxGap must be an integer of at least 0, not -1.'],
    [
      { autoIncrement: { maxCommitDelayMs: 2 ** 31 } },
      'autoIncrement.maxCommitDelayMs must be an integer from 0 to 2147483647',
    ],
    [{ limits: [] }, 'limits must be an object, not a list.'],
    [{ limits: { pageBytes: 0 } }, 'limits.pageBytes must be an integer of at least 1, not 0.'],
    [{ limits: { tables: '64' } }, 'limits.tables must be an integer of at least 1, not "64".'],
    [{ tableReadyAfterMs: Number.NaN }, 'tableReadyAfterMs must be a number from 0'],
    [{ searchLagMs: -1 }, 'searchLagMs must be a number from 0'],
    [
      { missingTableOnRead: 'error' },
      'missingTableOnRead must be one of OTSObjectNotExist, OTSParameterInvalid, not "error".',
    ],
    [{ localTransactions: 'yes' }, 'localTransactions must be true or false, not "yes".'],
    [{ faults: {} }, 'faults must be a list, not an object.'],
    [
      { faults: [fault, { when: 'before' }] },
      'faults[1].effect must be one of error, silence, reset, rows, not undefined.',
    ],
    [
      { faults: [{ ...fault, probabilty: 0.5 }] },
      'faults[0].probabilty is not an option of the emulator. Known: operations, when,',
    ],
    ['port', 'options must be an object, not "port".'],
    [null, 'options must be an object, not null.'],
  ])('are refused by name: $1', async (options, message) => {
    const outcome = startTablestoreEmulator(options as EmulatorOptions);
    await expect(outcome).rejects.toMatchObject(refusal);
    await expect(outcome).rejects.toThrow(message);
  });

  it.each<[unknown, string]>([
    [{ ...fault, operations: ['PutRows'] }, 'fault.operations must be a list of some of CreateTable,'],
    [{ ...fault, operations: [] }, 'fault.operations must be a list of some of CreateTable,'],
    [{ ...fault, when: 'during' }, 'fault.when must be one of before, after, not "during".'],
    [{ effect: 'error' }, 'fault.when must be one of before, after, not undefined.'],
    [{ ...fault, code: 'OTSBusy' }, 'fault.code must be one of OTSAuthFailed,'],
    [{ ...fault, effect: 'silence', code: 'OTSTimeout' }, 'fault.code has no meaning with the effect silence'],
    [
      { ...fault, effect: 'rows', operations: ['PutRow'] },
      'fault.operations must name one of BatchWriteRow, BatchGetRow',
    ],
    [{ ...fault, probability: 50 }, 'fault.probability must be a number from 0 to 1, not 50.'],
    [{ ...fault, times: 0 }, 'fault.times must be an integer of at least 1, not 0.'],
    [undefined, 'fault must be an object, not undefined.'],
  ])('refuse faults that could never strike as they say: $1', async (given, message) => {
    const { emulator } = await start();
    expect(() => emulator.inject(given as Fault)).toThrow(message);
  });

  it('may all be given, and left undefined or null', async () => {
    const all: Required<Omit<EmulatorOptions, 'file'>> = {
      port: 0,
      host: '127.0.0.1',
      instanceName: 'my-instance',
      accessKeyId: 'id',
      accessKeySecret: 'a secret with spaces',
      now: () => 1_700_000_000_000.5,
      seed: 0,
      autoIncrement: { from: 0n, maxGap: 0, maxCommitDelayMs: 0 },
      limits: { pageRows: 1, pageBytes: 1, batchWriteRows: 1, batchGetRows: 1, writeBytes: 1, bodyBytes: 1, tables: 1 },
      tableReadyAfterMs: 0,
      tableOperationsPerSecond: 10,
      searchLagMs: 0.5,
      missingTableOnRead: 'OTSParameterInvalid',
      localTransactions: false,
      faults: [{ ...fault, operations: ['PutRow'], code: 'OTSServerBusy', probability: 0, times: 1 }],
    };
    const nothing = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]));
    const nulls: object = Object.fromEntries([...Object.keys(all), 'file'].map((name) => [name, null]));
    const within = { limits: { pageRows: null, pageBytes: undefined }, autoIncrement: { maxGap: null } } as never;
    for (const options of [all, nothing, nulls, within]) {
      const emulator = await startTablestoreEmulator(options);
      onTestFinished(() => emulator.close());
    }
  });
});
