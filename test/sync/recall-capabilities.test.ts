import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore, type TimelineAdapter } from '../../src/index.js';
import {
  createSync,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../sync/index.js';
import { openDatabase } from './support/databases.js';
import { inboxText } from './support/inbox-text.js';
import { drain, say } from './support/people.js';

it.each(['memory', 'tablestore'] as const)('a recall leaves no body in inboxes (%s)', async (kind) => {
  await using database = await openDatabase<string>(kind);
  const { store, sync: inboxes } = database;
  const directory = timelineDirectory({ store });
  await using sync = createSync<string>({ store, sync: inboxes, directory, diffusion: writeDiffusion() });
  await (await sync.join('g', ['ann', 'bob'])).delivered;
  const seqId = await say(sync, 'g', 'ann', 'secret words');
  await say(sync, 'g', 'ann', 'ok');
  expect(await inboxText(inboxes, 'ann', 'bob')).toContain('secret');
  await (await sync.recall('g', seqId)).delivered;
  expect(await inboxText(inboxes, 'ann', 'bob')).not.toContain('secret');
  expect(await inboxText(inboxes, 'ann', 'bob')).toContain('ok');
});

describe('a sync library that cannot update', () => {
  const options = async (): Promise<SyncOptions<string>> => {
    const store = await openTimelineStore<Stored<string>>({ adapter: memoryAdapter(), name: 'store' });
    const sync = await openTimelineStore<Synced<string>>({ adapter: withoutUpdate(memoryAdapter()), name: 'sync' });
    return { store, sync, directory: timelineDirectory({ store }), diffusion: writeDiffusion() };
  };

  it.each(['copy', 100] as const)('takes no bodies: %s', async (bodies) => {
    const given = await options();
    const error = {
      code: 'TIMELINE_UNSUPPORTED',
      capability: 'update',
      message: expect.stringMatching(/bodies.*update/),
    };
    expect(() => createSync({ ...given, bodies })).toThrow(expect.objectContaining(error));
  });

  it.each([undefined, 'reference'] as const)('holds references (bodies: %s)', async (bodies) => {
    const given = await options();
    await using sync = createSync({ ...given, bodies });
    await (await sync.join('g', ['ann', 'bob'])).delivered;
    const seqId = await say(sync, 'g', 'ann', 'secret words');
    expect(await inboxText(given.sync, 'ann', 'bob')).not.toContain('secret');
    expect(await drain(sync.device('bob', 'phone'))).toMatchObject([{ body: 'secret words' }]);
    await (await sync.recall('g', seqId)).delivered;
    expect(await drain(sync.device('bob', 'new'))).toMatchObject([{ recalled: true }, { kind: 'recall' }]);
  });
});

function withoutUpdate(adapter: TimelineAdapter): TimelineAdapter {
  return {
    name: adapter.name,
    async open(options) {
      const library = await adapter.open(options);
      const capabilities = { ...library.capabilities, update: false };
      return new Proxy(library, {
        get(inner, name) {
          if (name === 'capabilities') return capabilities;
          if (name === 'update') return undefined;
          const value: unknown = Reflect.get(inner, name, inner);
          return typeof value === 'function' ? value.bind(inner) : value;
        },
      });
    },
  };
}
