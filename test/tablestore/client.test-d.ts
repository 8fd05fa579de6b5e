import { describe, expectTypeOf, it } from 'vitest';
import { type TableStoreClient, type TableStoreSdk, tablestoreAdapter } from '../../adapters/tablestore/index.js';
import type { TimelineAdapter } from '../../src/index.js';
import type { SdkClient, sdk } from '../emulator/sdk.js';

describe('tablestoreAdapter', () => {
  it('takes a client of the SDK, and its package', () => {
    expectTypeOf(tablestoreAdapter).returns.toEqualTypeOf<TimelineAdapter>();
    expectTypeOf<SdkClient>().toExtend<TableStoreClient>();
    expectTypeOf<typeof sdk>().toExtend<TableStoreSdk>();
  });

  it('takes nothing else, and no unknown option', () => {
    const client = {} as TableStoreClient;
    tablestoreAdapter(client, { sequence: 'auto', settleMs: 50, pollMs: 20 });
    // @ts-expect-error: not a client
    tablestoreAdapter('http://localhost');
    // @ts-expect-error: no such option
    tablestoreAdapter(client, { sequenc: 'auto' });
    // @ts-expect-error: no such numbering
    tablestoreAdapter(client, { sequence: 'snowflake' });
  });
});
