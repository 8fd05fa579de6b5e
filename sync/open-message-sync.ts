import type { Nullable, TimelineAdapter } from '../src/index.js';
import { checkFields, checkText, describeValue, invalidArgument, type OptionNames } from '../src/toolkit/index.js';
import { assemble } from './create-sync.js';
import { envelopeCodec } from './envelope-codec.js';
import { timelineDirectory } from './members/timeline-directory.js';
import { hybridDiffusion } from './modes/diffusion.js';
import { OpenLibraries } from './open-libraries.js';
import type { MessageSync, OpenMessageSyncOptions, Stored, Synced } from './types.js';

/** A library's name takes 255. */
const MAX_NAME_BYTES = 249;
const NAMES: OptionNames<OpenMessageSyncOptions<unknown>> = {
  ...{ adapter: true, name: true, ttlMs: true, storeTtlMs: true, alter: true, schema: true, codec: true },
  ...{ diffusion: true, directory: true, authorize: true, bodies: true, newcomers: true, resyncLast: true },
  ...{ leaseMs: true, recoverEveryMs: true, pollMs: true, onWarning: true },
  ...{ receipts: true, membershipEvents: true, deviceTtlMs: true },
};

/**
 * Opens message synchronisation with all that it needs: libraries of conversations, of inboxes and of its own records,
 * and a directory. `close` closes what this call has opened. Throws what `openTimelineStore` and `createSync` throw,
 * and leaves nothing open then.
 *
 * @example
 * await using sync = await openMessageSync<Text>({ adapter: sqliteAdapter('chat.db'), ttlMs: 30 * 24 * 3_600_000 });
 */
export async function openMessageSync<M>(options: Nullable<OpenMessageSyncOptions<M>>): Promise<MessageSync<M>> {
  const {
    adapter,
    name = 'chat',
    ttlMs,
    storeTtlMs,
    alter,
    schema,
    codec,
    diffusion = hybridDiffusion(),
    directory,
    ...rest
  } = checkFields<OpenMessageSyncOptions<M>>(options, NAMES);
  checkText(name, 'name', MAX_NAME_BYTES, { printable: true });
  const adapters = adaptersOf(adapter);
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function')
    throw invalidArgument('schema', 'must implement Standard Schema version 1');
  if (codec !== undefined && (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function'))
    throw invalidArgument('codec', 'must have encode and decode');
  const common = { alter, onWarning: rest.onWarning };
  const libraries = new OpenLibraries();
  try {
    const [onStore, onSync] = [
      { adapter: adapters.store, ...common },
      { adapter: adapters.sync, ...common },
    ];
    const state = await libraries.open<Stored<M>>({ ...onStore, name: `${name}.state` });
    const store = await libraries.open<Stored<M>>({
      ...{ ...onStore, name: `${name}.store`, ttlMs: storeTtlMs },
      ...(codec && { codec: envelopeCodec<M, Stored<M>>(codec) }),
    });
    const sync = await libraries.open<Synced<M>>({
      ...{ ...onSync, name: `${name}.sync`, ttlMs },
      ...(codec && { codec: envelopeCodec<M, Synced<M>>(codec) }),
    });
    const opened = { store, sync, state };
    return assemble<M>(
      { ...rest, ...opened, diffusion, directory: directory ?? timelineDirectory({ store: state }) },
      { bodySchema: schema, closeLibraries: () => libraries.close() },
    );
  } catch (error) {
    await libraries.close().catch(() => undefined);
    throw error;
  }
}

function adaptersOf<M>(adapter: OpenMessageSyncOptions<M>['adapter']): Record<'store' | 'sync', TimelineAdapter> {
  const isOne = typeof (adapter as TimelineAdapter | undefined)?.open === 'function';
  const adapters = (isOne ? { store: adapter, sync: adapter } : adapter) as Record<'store' | 'sync', TimelineAdapter>;
  if (typeof adapters?.store?.open === 'function' && typeof adapters.sync?.open === 'function') return adapters;
  throw invalidArgument('adapter', `must be a TimelineAdapter, or { store, sync }, not ${describeValue(adapter)}`);
}
