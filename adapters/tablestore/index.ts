import type { TimelineAdapter } from '../../src/adapter.js';
import type { Nullable } from '../../src/entry-types.js';
import { invalidArgument, TimelineError } from '../../src/errors.js';
import { openLibrary } from './library.js';
import { resolveSettings, type TableStoreAdapterOptions } from './options.js';
import { checkClient, loadSdk, type TableStoreClient } from './service/client.js';
import { Requests } from './service/requests.js';
import { openTables, READY_WITHIN_MS } from './tables/open.js';
import { MIN_TTL_MS } from './tables/schema.js';

export type { JavaV1Message, JavaV1Options } from './layouts/java-v1.js';
export { type JavaField, type JavaFieldType, type JavaV2Options, javaCodec } from './layouts/java-v2.js';
export type { KeyColumn } from './layouts/layout.js';
export type { LayoutOption, Sequence, TableStoreAdapterOptions, WakeChannel } from './options.js';
export type { TableStoreClient, TableStoreSdk } from './service/client.js';

/**
 * Keeps Timelines in Alibaba Cloud TableStore, in two or three tables for each library, which are created if missing.
 *
 * The client is a `Client` of the `tablestore` package and stays yours. Give it `httpOptions: { timeout, agent }` and
 * `maxRetries: 0`: every call has a deadline that all its requests share, and the adapter itself repeats the ones that
 * are safe to repeat.
 *
 * @example
 * const client = new TableStore.Client({ ...account, maxRetries: 0, httpOptions: { timeout: 10_000, agent } });
 * const store = await openTimelineStore({ adapter: tablestoreAdapter(client), name: 'history' });
 */
export function tablestoreAdapter(
  client: TableStoreClient,
  given?: Nullable<TableStoreAdapterOptions> | null,
): TimelineAdapter {
  const options = given ?? {};
  if (typeof client?.batchWriteRow !== 'function' || typeof client.getRange !== 'function') {
    throw invalidArgument('client', 'must be a Client of the tablestore package');
  }
  const settings = resolveSettings(options);
  return {
    name: 'tablestore',
    // New tables may take a minute. A service that does not answer is given up after `timeoutMs` all the same.
    budgetMs: settings.timeoutMs + READY_WITHIN_MS,
    async open(library) {
      const { ttlMs, warn } = library;
      if (ttlMs !== undefined && ttlMs < MIN_TTL_MS) {
        const message = `ttlMs must be at least ${MIN_TTL_MS} here, a day, not ${ttlMs}`;
        throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'minTtlMs', limit: MIN_TTL_MS });
      }
      const sdk = await loadSdk(client, options.sdk ?? undefined);
      checkClient(client, warn);
      return openLibrary(
        await openTables(new Requests(client, sdk, settings), library, settings),
        options.wake ?? undefined,
      );
    },
  };
}
