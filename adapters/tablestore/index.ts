import type { TimelineAdapter } from '../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../src/errors.js';
import { resolveLayout } from './layouts/resolve.js';
import { openLibrary } from './library.js';
import { resolveSettings, type TableStoreAdapterOptions } from './options.js';
import type { TableStoreClient } from './service/client.js';
import { Requests } from './service/requests.js';
import { checkClient, loadSdk } from './service/sdk.js';
import { openTables } from './tables/open.js';
import { READY_WITHIN_MS } from './tables/patience.js';
import { MIN_TTL_MS } from './tables/schema.js';

export { javaCodec } from './layouts/java/codec.js';
export type { JavaFieldType } from './layouts/java/fields.js';
export type { JavaV1Message } from './layouts/java/message.js';
export type { JavaV1Options } from './layouts/java/v1.js';
export type { JavaField, JavaV2Options } from './layouts/java/v2.js';
export type { KeyColumn } from './layouts/layout.js';
export type { LayoutOption } from './layouts/resolve.js';
export type { Sequence, TableStoreAdapterOptions, WakeChannel } from './options.js';
export type { TableStoreClient, TableStoreSdk } from './service/client.js';

/**
 * Timelines in Alibaba Cloud TableStore, two or three tables for each library, which are created where they are missing.
 *
 * The client is a `Client` of the `tablestore` package and stays yours. Give it `httpOptions: { timeout, agent }` and `maxRetries: 0`: the
 * adapter has a deadline for each call, which all its requests share, and repeats what is safe to repeat.
 */
export function tablestoreAdapter(client: TableStoreClient, options: TableStoreAdapterOptions = {}): TimelineAdapter {
  if (typeof client?.batchWriteRow !== 'function' || typeof client.getRange !== 'function') {
    throw invalidArgument('client', 'must be a Client of the tablestore package');
  }
  const layout = resolveLayout(options.layout);
  const settings = { ...resolveSettings(options, layout), layout };
  return {
    name: 'tablestore',
    // New tables may take a minute; a service that does not answer is given up after `timeoutMs` here too.
    budgetMs: settings.timeoutMs + READY_WITHIN_MS,
    async open(library) {
      const { ttlMs, warn } = library;
      if (ttlMs !== undefined && ttlMs < MIN_TTL_MS) {
        const message = `ttlMs must be at least ${MIN_TTL_MS} here, a day, not ${ttlMs}`;
        throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'minTtlMs', limit: MIN_TTL_MS });
      }
      const sdk = await loadSdk(client, options.sdk);
      checkClient(client, warn);
      const requests = new Requests(client, sdk, settings);
      const opened = await openTables(requests, library, settings);
      return openLibrary(requests, opened, library, settings, options.wake);
    },
  };
}
