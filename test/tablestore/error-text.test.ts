import { describe, expect, it } from 'vitest';
import { requestError } from '../../adapters/tablestore/service/errors.js';
import { createTable, put, start } from '../emulator/sdk.js';

const answered = async (call: Promise<unknown>) =>
  requestError(
    await call.then(
      () => 'no error',
      (error: unknown) => error,
    ),
  ).message.replace(/ requestId:.*/, '');

describe("the service's text in an error", () => {
  it.each([
    // Lengths that look like a character (38 is &, 36 is $), and one that does not (16).
    ['OTSNotEnoughCapacityUnit', 'Remaining capacity unit is not enough.'],
    ['OTSCapacityUnitExhausted', 'Remaining capacity unit is not enough.'],
    ['OTSTooFrequentReservedThroughputAdjustment', 'Capacity unit adjustment is too frequent.'],
    ['OTSRequestTimeout', 'Request timeout.'],
  ])('is what it said, without the bytes before it: %s', async (code, text) => {
    const { client } = await start({ faults: [{ when: 'before', effect: 'error', code }] });
    expect(await answered(client.listTable({}))).toBe(`TableStore answered ${code}: ${text}`);
  });

  it.each([100, 200])('is complete when it is long: a name of %i bytes', async (length) => {
    const { client } = await start();
    await createTable(client, 't');
    const name = `#${'x'.repeat(length)}`;
    expect(await answered(put(client, 't', 'a', 1, [{ [name]: 'v' }]))).toBe(
      `TableStore answered OTSParameterInvalid: Invalid column name: '${name}'.`,
    );
  });
});
