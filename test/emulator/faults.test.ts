import { describe, expect, it } from 'vitest';
import type { Fault } from '../../emulator/index.js';
import { until } from '../support/until.js';
import { postError } from './raw-client.js';
import { clientOf, columnsOf, condition, createTable, errorOf, get, int, put, type SdkClient, start } from './sdk.js';

async function prepared(options = {}) {
  const started = await start(options);
  await createTable(started.client, 't');
  return started;
}
const wasWritten = async (client: SdkClient, seq = 1) =>
  columnsOf((await get(client, 't', 'a', seq)).row).c !== undefined;

describe('faults', () => {
  it.each<[Fault['when'], string, boolean]>([
    ['before', 'OTSServerBusy', false],
    ['after', 'OTSTimeout', true],
  ])('give an error %s execution: %s, written: %s', async (when, code, written) => {
    const { client, emulator } = await prepared();
    emulator.inject({ operations: ['PutRow'], when, effect: 'error', times: 1 });
    expect(await errorOf(put(client, 't', 'a', 1))).toMatchObject({ code, status: 503 });
    expect(await wasWritten(client)).toBe(written);
    await put(client, 't', 'a', 2);
  });

  it.each<[Fault['when'], boolean]>([
    ['before', false],
    ['after', true],
  ])('reset the connection %s execution, written: %s', async (when, written) => {
    const { client, emulator } = await prepared();
    emulator.inject({ operations: ['PutRow'], when, effect: 'reset', times: 1 });
    expect((await errorOf(put(client, 't', 'a', 1))).status).toBe('NetworkingError');
    expect(await wasWritten(client)).toBe(written);
  });

  it('keep silent after execution, and silence ends when the emulator closes', async () => {
    const { client, emulator } = await prepared();
    const impatient = clientOf(emulator, { httpOptions: { timeout: 100 } });
    emulator.inject({ operations: ['PutRow'], when: 'after', effect: 'silence' });
    expect((await errorOf(put(impatient, 't', 'a', 1))).text).toContain('timed out');
    expect(await wasWritten(client)).toBe(true);
    const hanging = errorOf(put(client, 't', 'a', 2));
    await until('the row is written', () => wasWritten(client, 2));
    await emulator.close();
    expect((await hanging).status).toBe('NetworkingError');
  });

  it('name their code, hit only their operations, and end when taken away', async () => {
    const { client, emulator } = await prepared({
      faults: [{ operations: ['ListTable'], when: 'before', effect: 'error', code: 'OTSTableNotReady' }],
    });
    expect(await errorOf(client.listTable({}))).toMatchObject({ code: 'OTSTableNotReady', status: 404 });
    await put(client, 't', 'a', 1);
    const takeAway = emulator.inject({ operations: ['PutRow'], when: 'before', effect: 'error' });
    expect((await errorOf(put(client, 't', 'a', 1))).code).toBe('OTSServerBusy');
    takeAway();
    await put(client, 't', 'a', 1);
  });

  it.each<[Fault['when'], string]>([
    ['before', 'OTSServerBusy'],
    ['after', 'OTSTimeout'],
  ])('fail single rows of a batch %s execution with %s', async (when, code) => {
    const { client, emulator } = await prepared({ seed: 3 });
    emulator.inject({ operations: ['BatchWriteRow'], when, effect: 'rows', probability: 0.3 });
    const rows = Array.from({ length: 50 }, (_, seq) => ({
      type: 'PUT',
      condition: condition(),
      primaryKey: [{ gid: 'a' }, { seq: int(seq) }],
      attributeColumns: [{ c: 'v' }],
    }));
    const { tables } = await client.batchWriteRow({ tables: [{ tableName: 't', rows }] });
    const failed = tables.flatMap(({ isOk, errorCode }, seq) => (isOk ? [] : [{ seq, errorCode }]));
    expect(failed.length).toBeGreaterThan(5);
    expect(failed.length).toBeLessThan(30);
    for (const { seq, errorCode } of failed) {
      expect(errorCode).toBe(code);
      expect(await wasWritten(client, seq)).toBe(when === 'after');
    }
  });

  it('strike at random, the same way for the same seed', async () => {
    const pattern = async (seed: number) => {
      const { client } = await prepared({
        seed,
        faults: [{ operations: ['PutRow'], when: 'before', effect: 'error', probability: 0.5 }],
      });
      const codes = [];
      for (let seq = 0; seq < 20; seq++)
        codes.push(
          await put(client, 't', 'a', seq).then(
            () => '+',
            () => '-',
          ),
        );
      return codes.join('');
    };
    const first = await pattern(5);
    expect(first).toMatch(/\+.*-|-.*\+/);
    expect(await pattern(5)).toBe(first);
    expect(await pattern(6)).not.toBe(first);
  });

  it.each([
    ['OTSCapacityUnitExhausted', 403, 'Remaining capacity unit is not enough.'],
    ['OTSNotEnoughCapacityUnit', 403, 'Remaining capacity unit is not enough.'],
    ['OTSTooFrequentReservedThroughputAdjustment', 403, 'Capacity unit adjustment is too frequent.'],
    ['OTSObjectNotExist', 404, 'Requested table does not exist.'],
    ['OTSObjectAlreadyExist', 409, 'Requested table already exists.'],
    ['OTSParameterInvalid', 400, 'The parameter is invalid.'],
    ['OTSSessionNotExist', 400, 'Session not exist or may be timeout.'],
    ['OTSRequestBodyTooLarge', 413, 'The size of POST data is too large.'],
    ['OTSRequestTimeout', 408, 'Request timeout.'],
    ['OTSInternalServerError', 500, 'Internal server error.'],
  ])('have the status and the text of their code: %s, %i', async (code, status, message) => {
    const { emulator } = await start({ faults: [{ when: 'before', effect: 'error', code }] });
    expect(await postError(emulator, 'ListTable', new Uint8Array())).toEqual({ status, code, message });
  });
});
