/** The chat's libraries, opened one by one so that the inspector reads their Timelines as they are. */
import { openTimelineStore, type TimelineStore } from 'timeline-model';
import {
  createSync,
  hybridDiffusion,
  type MessageSync,
  type Stored,
  type Synced,
  timelineDirectory,
} from 'timeline-model/sync';
import type { Body } from '../../shared/bodies.js';
import { CHANNEL } from '../../shared/people.js';
import { openAdapters } from '../backends/open.js';
import type { Place } from '../backends/place.js';

/** Milliseconds that inbox entries are kept: seven days. */
export const TTL_MS = 7 * 24 * 3_600_000;

export interface Libraries {
  readonly chat: MessageSync<Body>;
  /** Conversations. */
  readonly store: TimelineStore<Stored<Body>>;
  /** Inboxes. */
  readonly inboxes: TimelineStore<Synced<Body>>;
  close(): Promise<void>;
}

export async function openLibraries(place: Place): Promise<Libraries> {
  const adapters = await openAdapters(place);
  const store = await openTimelineStore<Stored<Body>>({ adapter: adapters.store, name: 'demo_store' });
  const inboxes = await openTimelineStore<Synced<Body>>({ adapter: adapters.sync, name: 'demo_sync', ttlMs: TTL_MS });
  const chat = createSync<Body>({
    store,
    sync: inboxes,
    directory: timelineDirectory({ store }),
    diffusion: hybridDiffusion({ overrides: { [CHANNEL]: 'read' } }),
    newcomers: 'all',
    receipts: true,
    recoverEveryMs: 1000,
  });
  await chat.recover();
  const close = async () => {
    await chat.close();
    await Promise.all([store.close(), inboxes.close()]);
    adapters.close();
  };
  return { chat, store, inboxes, close };
}
