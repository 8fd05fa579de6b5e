import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { type Abortable, openTimelineStore } from '../../src/index.js';
import {
  createSync,
  type DeviceOptions,
  type DeviceSubscribeOptions,
  type HybridOptions,
  hybridDiffusion,
  type ListOptions,
  type MemberChangeOptions,
  type MessagesOptions,
  type OpenMessageSyncOptions,
  type OutgoingMessage,
  openMessageSync,
  type PullOptions,
  type SyncOptions,
} from '../../sync/index.js';
import { all, bodyOf, take } from './support/people.js';

/** Every property that may be left out, as `null`: the compiler reports one that is missing. */
type Nulls<T> = { readonly [K in keyof T as object extends Pick<T, K> ? K : never]-?: null };

const signal = null;
const common: Nulls<Omit<SyncOptions<string>, 'state'>> = {
  ...{ authorize: null, bodies: null, newcomers: null, resyncLast: null, leaseMs: null, recoverEveryMs: null },
  ...{ pollMs: null, receipts: null, membershipEvents: null, deviceTtlMs: null, onWarning: null },
};
const opening: Nulls<OpenMessageSyncOptions<string>> = {
  ...{ ...common, name: null, ttlMs: null, storeTtlMs: null, alter: null, schema: null, codec: null },
  ...{ diffusion: null, directory: null },
};
const message: Nulls<OutgoingMessage<string>> = { key: null, countable: null, relatesTo: null, mentions: null };
const abortable: Nulls<Abortable> = { signal };
const change: Nulls<MemberChangeOptions> = { by: null, key: null };
const messages: Nulls<MessagesOptions> = { user: null, before: null, after: null, limit: null, signal };
const pull: Nulls<PullOptions> = { after: null, limit: null, signal };
const subscription: Nulls<DeviceSubscribeOptions> = {
  ...{ after: null, onCaughtUp: null, onEmptied: null, pageSize: null, signals: null, signal },
};
const start: Nulls<DeviceOptions> = { start: null };
const list: Nulls<ListOptions> = { limit: null, after: null, atMost: null };
const hybrid: Nulls<HybridOptions> = { writeUpTo: null, writeBelow: null, overrides: null, policy: null };

it('takes null for every value that may be left out', async () => {
  await using sync = await openMessageSync<string>({ ...opening, adapter: memoryAdapter() });
  for (const options of [change, null]) await (await sync.join('g', ['ann', 'bob'], options)).delivered;
  for (const [i, options] of [abortable, null].entries()) {
    const { seqId, delivered } = await sync.send(
      { ...message, conversation: 'g', sender: 'ann', body: `${i}` },
      options,
    );
    await delivered;
    await (await sync.edit('g', seqId, `${i}!`, options === null ? null : change)).delivered;
  }
  for (const options of [messages, null])
    expect((await sync.messages('g', options)).messages.map(bodyOf)).toEqual(['0!', '1!']);
  for (const options of [{ by: null }, null]) await (await sync.recall('g', 3n, options)).delivered;
  for (const options of [start, null]) {
    const device = sync.device('bob', 'phone', options);
    for (const each of [pull, null]) expect((await device.pull(each)).messages[0]).toMatchObject({ kind: 'message' });
    for (const each of [subscription, null]) expect(await take(device.subscribe(each), 1)).toHaveLength(1);
  }
  for (const options of [list, null]) expect(await all(sync.conversations('bob', options))).toHaveLength(1);
  for (const options of [{ atMost: null }, null])
    expect(await sync.unread('bob', options)).toMatchObject({ capped: false });
  await sync.configure('bob', 'g', { muted: true });
  await sync.configure('bob', 'g', { muted: null, archived: null, pinned: null });
  expect(await all(sync.conversations('bob'))).toMatchObject([{ settings: { muted: true, archived: false } }]);
  expect([...(await sync.readPositions('g', null)).keys()].sort()).toEqual(['ann', 'bob']);
  for (const options of [abortable, null]) {
    const changes = take(sync.conversationChanges('bob', options), 1);
    await sync.configure('bob', 'g', { pinned: options !== null });
    expect(await changes).toHaveLength(1);
  }
  for (const options of [{ all: null }, null]) expect(await sync.recover(options)).toMatchObject({ resumed: 0 });
  for (const options of [change, null]) await (await sync.leave('g', ['bob'], options)).delivered;
});

it('takes null for every option of createSync and hybridDiffusion', async () => {
  const adapter = memoryAdapter();
  const store = await openTimelineStore<never>({ adapter, name: 'store' });
  const inboxes = await openTimelineStore<never>({ adapter, name: 'sync' });
  const directory = { members: () => ['ann'], conversations: () => ['g'] };
  for (const options of [hybrid, null]) {
    const diffusion = hybridDiffusion(options);
    const sync = createSync({ ...common, state: null, store, sync: inboxes, directory, diffusion });
    await sync.close();
  }
});
