import { randomUUID } from 'node:crypto';
import type { AdapterHead, AdapterLibrary, Row } from '../../../src/adapter.js';
import type { LibraryChanges } from '../../../testing/index.js';
import { CALL, type Mutant, mutant, statefulMutant } from './mutant.js';

/** A mutant's memory of the Timelines that were dropped. */
interface Dropped {
  readonly last: Map<string, AdapterHead>;
}

const start = (): Dropped => ({ last: new Map() });

/** Drops, and remembers the head of before. */
async function dropAndRemember(library: AdapterLibrary, { last }: Dropped, timeline: string): Promise<void> {
  const [head] = await library.heads([timeline], CALL);
  await library.drop!(timeline, CALL);
  if (head && head.lastSeqId > 0n) last.set(timeline, head);
}

/** Heads, slices and counts of dropped Timelines, changed. */
const changedHeads = (
  library: AdapterLibrary,
  { last }: Dropped,
  change: (head: AdapterHead, before: AdapterHead) => Partial<AdapterHead>,
): LibraryChanges => {
  const changed = <Head extends AdapterHead>(timeline: string, head: Head): Head => {
    const before = last.get(timeline);
    return before ? { ...head, ...change(head, before) } : head;
  };
  return {
    read: async (ranges) => (await library.read(ranges, CALL)).map((slice, i) => changed(ranges[i]!.timeline, slice)),
    heads: async (timelines) => (await library.heads(timelines, CALL)).map((head, i) => changed(timelines[i]!, head)),
    count: async (ranges) =>
      (await library.count!(ranges, CALL)).map((count, i) => changed(ranges[i]!.timeline, count)),
  };
};

export const dropMutants: readonly Mutant[] = [
  mutant('Drop', 'trims only', (library) => ({
    drop: (timeline) => library.trim!(timeline, { keepLast: 0 }, CALL),
  })),
  mutant('Drop', 'does nothing', () => ({ drop: async () => {} })),
  statefulMutant('Drop', 'keeps the epoch', start, (library, state) => ({
    ...changedHeads(library, state, (_, { epoch }) => ({ epoch })),
    drop: (timeline) => dropAndRemember(library, state, timeline),
  })),
  statefulMutant('Drop', 'calls the epoch before an ancestor', start, (library, state) => ({
    ...changedHeads(library, state, ({ ancestors = [] }, { epoch, lastSeqId }) => ({
      ancestors: [...ancestors, { epoch, seqId: lastSeqId }],
    })),
    drop: (timeline) => dropAndRemember(library, state, timeline),
  })),
  statefulMutant('Drop', 'forgets it once the Timeline is written to again', start, (library, state) => ({
    ...changedHeads(library, state, ({ epoch, lastSeqId }, before) => ({
      epoch: lastSeqId > 0n ? before.epoch : epoch,
    })),
    drop: (timeline) => dropAndRemember(library, state, timeline),
  })),
  statefulMutant('Drop', 'keeps the last SeqId', start, (library, state) => ({
    ...changedHeads(library, state, ({ lastSeqId }, before) => ({
      lastSeqId: lastSeqId > before.lastSeqId ? lastSeqId : before.lastSeqId,
    })),
    drop: (timeline) => dropAndRemember(library, state, timeline),
  })),
  mutant('Drop', 'begins a new epoch with nothing to drop', (library) => ({
    async drop(timeline) {
      await library.append([{ timeline, entries: [{ payload: { body: '""', shared: false } }] }], CALL);
      await library.drop!(timeline, CALL);
    },
  })),
  mutant('Drop', 'keeps the keys', (library) => {
    const keys = new Map<string, string>();
    return {
      append: async (writes, call) => {
        const outcomes = await library.append(writes, call);
        return outcomes.map((outcome, i) => {
          const { timeline, entries } = writes[i]!;
          const name = `${timeline} ${entries[0]?.key}`;
          const isKnown = entries[0]?.key !== undefined && keys.has(name);
          keys.set(name, timeline);
          if (!isKnown || !outcome.ok) return outcome;
          return { ...outcome, entries: outcome.entries.map((entry) => ({ ...entry, duplicate: true })) };
        });
      },
    };
  }),
  mutant('Drop', 'keeps the positions', (library) => ({
    async drop(timeline) {
      const kept = await library.checkpoints!.get([{ timeline, reader: 'phone' }], CALL);
      await library.drop!(timeline, CALL);
      await library.checkpoints!.reset([{ timeline, reader: 'phone', position: kept[0] }], CALL);
    },
  })),
  mutant('Drop', 'takes positions of before', (library) => {
    const { get, advance, reset } = library.checkpoints!;
    return {
      checkpoints: {
        get,
        reset,
        async advance(items, call) {
          const stored = await get(items, call);
          if (stored.some((position) => position !== undefined)) return advance(items, call);
          await reset(
            items.map(({ timeline, reader, epoch, seqId }) => ({ timeline, reader, position: { epoch, seqId } })),
            call,
          );
          return items.map(({ epoch, seqId }) => ({ epoch, seqId }));
        },
      },
    };
  }),
  statefulMutant('Drop', 'lists what is dropped', start, (library, state) => ({
    drop: (timeline) => dropAndRemember(library, state, timeline),
    timelines: async (range) =>
      [...new Set([...(await library.timelines!(range, CALL)), ...state.last.keys()])]
        .sort()
        .filter((id) => range.after === undefined || id > range.after),
  })),
  mutant('Drop', 'drops Timelines that begin alike', (library) => ({
    async drop(timeline) {
      const alike = await library.timelines!({ prefix: timeline, limit: 1000 }, CALL);
      for (const each of new Set([timeline, ...alike])) await library.drop!(each, CALL);
    },
  })),
  mutant('Drop', 'wakes nobody', (library) => {
    let isDropping = false;
    return {
      watch: (timeline, wake) =>
        library.watch!(timeline, (hint) => {
          if (!isDropping) wake(hint);
        }),
      async drop(timeline) {
        isDropping = true;
        await library.drop!(timeline, CALL);
        isDropping = false;
      },
    };
  }),
  mutant('Drop', 'removes entries one by one', (library) => ({
    async drop(timeline) {
      const [head] = await library.heads([timeline], CALL);
      for (let seqId = 1n; seqId < head!.lastSeqId; seqId += 3n) {
        await library.trim!(timeline, { through: seqId }, CALL);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await library.drop!(timeline, CALL);
    },
  })),
  mutant('Drop', 'drops late', (library) => ({
    async drop(timeline) {
      setTimeout(() => void library.drop!(timeline, CALL), 2);
    },
  })),
  statefulMutant(
    'Drop',
    'forgets it when it is closed',
    () => ({ ...start(), isClosed: false }),
    (library, state) => ({
      ...(state.isClosed && changedHeads(library, state, (_, { epoch }) => ({ epoch }))),
      drop: (timeline) => dropAndRemember(library, state, timeline),
      close(call) {
        state.isClosed = true;
        return library.close(call);
      },
    }),
  ),
  mutant('Drop', 'loses what is appended at the same time', (library) => ({
    async drop(timeline) {
      await library.drop!(timeline, CALL);
      await new Promise((resolve) => setTimeout(resolve, 3));
      const [slice] = await library.read([{ timeline, limit: 1, reverse: true }], CALL);
      const newest: Row | undefined = slice?.rows[0];
      if (newest) await library.delete!(timeline, newest.seqId, CALL);
    },
  })),
  statefulMutant(
    'Drop',
    'gives every dropped Timeline the same epoch',
    () => ({ epoch: randomUUID(), last: new Map() }),
    (library, state) => ({
      ...changedHeads(library, state, () => ({ epoch: state.epoch })),
      drop: (timeline) => dropAndRemember(library, state, timeline),
    }),
  ),
];
