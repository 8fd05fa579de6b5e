import { memoryAdapter } from '../../../adapters/memory/index.js';
import type { AdapterLibrary, Capabilities, LibraryOptions, TimelineAdapter } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { decorateAdapter, type LibraryChanges } from '../../../testing/index.js';
import { declared } from './append.js';
import { CALL, type Mutant, mapRows, mapSlices, mutant, pause, renamed, statefulMutant } from './mutant.js';

/** The memory adapter opened with other options than it was asked for. */
const openedWith = (change: (options: LibraryOptions) => LibraryOptions): TimelineAdapter => {
  const adapter = memoryAdapter();
  return { name: adapter.name, open: (options) => adapter.open(change(options)) };
};

const checkpointsOf =
  (
    change: (
      checkpoints: NonNullable<AdapterLibrary['checkpoints']>,
    ) => Partial<NonNullable<AdapterLibrary['checkpoints']>>,
  ) =>
  (library: AdapterLibrary): LibraryChanges => {
    const { get, advance, reset } = library.checkpoints!;
    return { checkpoints: { get, advance, reset, ...change({ get, advance, reset }) } };
  };

/** After a library was closed, the newest entry of each Timeline is gone for those opened later. */
function losingTheNewest(library: AdapterLibrary, state: { closed: boolean }): LibraryChanges {
  const loses = state.closed;
  return {
    async read(ranges) {
      const slices = await library.read(ranges, CALL);
      return loses
        ? slices.map((slice) => ({ ...slice, rows: slice.rows.filter((row) => row.seqId < slice.lastSeqId) }))
        : slices;
    },
    close() {
      state.closed = true;
      return library.close(CALL);
    },
  };
}

export const keepMutants: readonly Mutant[] = [
  mutant('Update', 'moves an updated entry to the tail', (library) => ({
    async update(timeline, seqId, payload) {
      await library.delete!(timeline, seqId, CALL);
      await library.append([{ timeline, entries: [{ payload }] }], CALL);
      const [slice] = await library.read([{ timeline, limit: 1, reverse: true }], CALL);
      return { epoch: slice!.epoch, row: slice!.rows[0]! };
    },
  })),
  mutant('Update', 'ignores ifRevision', (library) => ({
    update: (timeline, seqId, payload) => library.update!(timeline, seqId, payload, undefined, CALL),
  })),
  mutant(
    'Update',
    'does not count',
    mapRows((row) => ({ ...row, revision: 0 })),
  ),
  mutant(
    'Delete',
    'takes the entry away altogether',
    mapSlices((slice) => ({ ...slice, rows: slice.rows.filter((row) => row.body !== undefined) })),
  ),
  mutant('Delete', 'finds nothing to delete the second time', (library) => ({
    async delete(timeline, seqId) {
      const [slice] = await library.read(
        [{ timeline, after: seqId - 1n, before: seqId + 1n, limit: 1, reverse: false }],
        CALL,
      );
      if (slice?.rows[0]?.body === undefined) throw new TimelineError('TIMELINE_NOT_FOUND', 'nothing to delete');
      return library.delete!(timeline, seqId, CALL);
    },
  })),
  mutant('Delete', 'deletes everything up to the entry', (library) => ({
    delete: (timeline, seqId) => library.trim!(timeline, { through: seqId }, CALL),
  })),
  {
    law: 'Expiry',
    breaks: 'returns what has expired',
    create: () => openedWith(({ ttlMs: _, ...options }) => options),
  },
  {
    law: 'Expiry',
    breaks: 'expires too early',
    create: () => openedWith((options) => ({ ...options, ttlMs: options.ttlMs && Math.ceil(options.ttlMs / 2) })),
  },
  mutant(
    'Checkpoint',
    'moves back',
    checkpointsOf(({ reset }) => ({
      async advance(items, call) {
        await reset(
          items.map(({ timeline, reader, epoch, seqId }) => ({ timeline, reader, position: { epoch, seqId } })),
          call,
        );
        return items.map(({ epoch, seqId }) => ({ epoch, seqId }));
      },
    })),
  ),
  mutant(
    'Checkpoint',
    'decides the maximum before it holds the position',
    checkpointsOf(({ get, reset }) => ({
      async advance(items, call) {
        const stands = await get(items, call);
        await pause(1);
        const positions = items.map(({ epoch, seqId }, index) => {
          const stood = stands[index];
          return stood && stood.seqId > seqId ? stood : { epoch, seqId };
        });
        await reset(
          items.map(({ timeline, reader }, index) => ({ timeline, reader, position: positions[index] })),
          call,
        );
        return positions;
      },
    })),
  ),
  mutant(
    'Checkpoint',
    'keeps one position for all readers',
    checkpointsOf(({ get, advance, reset }) => {
      const shared = <T extends { reader: string }>(items: readonly T[]) =>
        items.map((item) => ({ ...item, reader: 'all' }));
      return {
        get: (keys, call) => get(shared(keys), call),
        advance: (items, call) => advance(shared(items), call),
        reset: (items, call) => reset(shared(items), call),
      };
    }),
  ),
  mutant('Signals', 'takes topics that differ in case for one', (library) => ({
    publish: (topic, payload) => library.publish!(topic.toLowerCase(), payload, CALL),
    listen: (topic, hear) => library.listen!(topic.toLowerCase(), hear),
  })),
  mutant('Signals', 'tells the newest listener only', (library) => {
    const newest = new Map<string, (payload: string) => void>();
    return {
      listen(topic, hear) {
        newest.set(topic, hear);
        return library.listen!(topic, (payload) => {
          if (newest.get(topic) === hear) hear(payload);
        });
      },
    };
  }),
  mutant('Signals', 'cuts payloads off', (library) => ({
    publish: (topic, payload) => library.publish!(topic, payload.slice(0, 65_535), CALL),
  })),
  {
    law: 'Signals',
    breaks: 'mixes its libraries',
    create: () => openedWith((options) => ({ ...options, name: 'all' })),
  },
  mutant(
    'Isolation',
    'mixes Timelines that begin alike',
    renamed((timeline) => timeline.slice(0, 1)),
  ),
  {
    law: 'Isolation',
    breaks: 'mixes its libraries',
    create: () => openedWith((options) => ({ ...options, name: 'all' })),
  },
  {
    law: 'Closing',
    breaks: 'forgets a library when it is closed',
    create() {
      let closed = 0;
      const adapter = memoryAdapter();
      return decorateAdapter(
        { name: adapter.name, open: (options) => adapter.open({ ...options, name: `${options.name}${closed}` }) },
        (library) => ({
          close() {
            closed += 1;
            return library.close(CALL);
          },
        }),
      );
    },
  },
  statefulMutant(
    'Closing',
    'closes all libraries with the first',
    () => ({ closed: false }),
    (library, state) => ({
      append: (writes) =>
        state.closed
          ? Promise.reject(new TimelineError('TIMELINE_CLOSED', 'closed with another'))
          : library.append(writes, CALL),
      close() {
        state.closed = true;
        return library.close(CALL);
      },
    }),
  ),
  mutant('Limits', 'takes no key of more than 255 bytes', (library) => ({
    async append(writes) {
      const outcomes = await library.append(writes, CALL);
      const tooLong = writes.some((write) => write.entries.some((entry) => (entry.key?.length ?? 0) > 255));
      return tooLong
        ? outcomes.map(() => ({ ok: false, error: new TimelineError('TIMELINE_TOO_LARGE', 'the key is too long') }))
        : outcomes;
    },
  })),
  mutant(
    'Limits',
    'hands out fewer bytes than it took',
    mapRows((row) =>
      typeof row.body === 'string' ? { ...row, body: JSON.stringify(JSON.parse(row.body).slice(0, 65_536)) } : row,
    ),
  ),
  mutant('Capabilities', 'claims what it lacks', () => ({ trim: undefined })),
  mutant('Capabilities', 'declares what JSON cannot say', (library) => ({
    capabilities: declared(library, { wakeWithinMs: Number.POSITIVE_INFINITY }) as Capabilities,
  })),
  mutant('Listing', 'lists in any order', (library) => ({
    timelines: async (range) => [...(await library.timelines!(range, CALL))].reverse(),
  })),
  mutant('Listing', 'reads wildcards in a prefix', (library) => ({
    async timelines({ prefix, ...range }) {
      const pattern = new RegExp(
        `^${prefix
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('%', '.*')
          .replaceAll('_', '.')}`,
        'u',
      );
      return (await library.timelines!({ ...range, prefix: '', limit: 10_000 }, CALL))
        .filter((id) => pattern.test(id))
        .slice(0, range.limit);
    },
  })),
  mutant(
    'Ids',
    'takes ids that differ in case for one',
    renamed((timeline) => timeline.toLowerCase()),
  ),
  mutant(
    'Ids',
    'takes ids that look the same for one',
    renamed((timeline) => timeline.normalize('NFC')),
  ),
  mutant(
    'Ids',
    'cuts long ids off',
    renamed((timeline) => timeline.slice(0, 255)),
  ),
  mutant('Model', 'keeps one more than keepLast', (library) => ({
    trim: (timeline, cut) => library.trim!(timeline, 'keepLast' in cut ? { keepLast: cut.keepLast + 1 } : cut, CALL),
  })),
  statefulMutant('Restart', 'loses the newest entry when it is closed', () => ({ closed: false }), losingTheNewest),
];
