import { memoryAdapter } from '../../../adapters/memory/index.js';
import type { AdapterLibrary, Call, Row, Slice, TimelineAdapter, Write, WriteEntry } from '../../../src/adapter.js';
import type { Law } from '../../../testing/index.js';
import { decorateAdapter, type LibraryChanges } from '../../../testing/index.js';

/** The memory adapter ends at once, whatever it is told. */
export const CALL: Call = { deadline: Number.POSITIVE_INFINITY };

/** An adapter that breaks one law and is otherwise the memory adapter. */
export interface Mutant {
  readonly law: Law;
  /** Its fault, in words that complete the sentence "an adapter that …". */
  readonly breaks: string;
  create(): TimelineAdapter;
}

/** The memory adapter with members of its libraries replaced. `change` is called for each library that is opened. */
export function mutant(law: Law, breaks: string, change: (library: AdapterLibrary) => LibraryChanges): Mutant {
  return { law, breaks, create: () => decorateAdapter(memoryAdapter(), change) };
}

/** For changes that remember something across all libraries opened on one adapter. */
export function statefulMutant<State>(
  law: Law,
  breaks: string,
  start: () => State,
  change: (library: AdapterLibrary, state: State) => LibraryChanges,
): Mutant {
  return {
    law,
    breaks,
    create() {
      const state = start();
      return decorateAdapter(memoryAdapter(), (library) => change(library, state));
    },
  };
}

/** Each entry of each write passed through `map` on its way in. */
export const mapEntries =
  (map: (entry: WriteEntry, index: number, write: Write) => WriteEntry) =>
  (library: AdapterLibrary): LibraryChanges => ({
    append: (writes) =>
      library.append(
        writes.map((write) => ({ ...write, entries: write.entries.map((entry, index) => map(entry, index, write)) })),
        CALL,
      ),
  });

/** Each row passed through `map` on its way out. */
export const mapRows = (map: (row: Row, index: number) => Row) =>
  mapSlices((slice) => ({ ...slice, rows: slice.rows.map(map) }));

export const mapSlices =
  (map: (slice: Slice) => Slice) =>
  (library: AdapterLibrary): LibraryChanges => ({
    read: async (ranges) => (await library.read(ranges, CALL)).map(map),
  });

/** The library under Timeline names that `rename` makes of the given ones. */
export const renamed =
  (rename: (timeline: string) => string) =>
  (library: AdapterLibrary): LibraryChanges => {
    const renameAll = <T extends { readonly timeline: string }>(items: readonly T[]) =>
      items.map((item) => ({ ...item, timeline: rename(item.timeline) }));
    return {
      append: (writes) => library.append(renameAll(writes), CALL),
      read: (ranges) => library.read(renameAll(ranges), CALL),
      heads: (timelines) => library.heads(timelines.map(rename), CALL),
      count: (ranges) => library.count!(renameAll(ranges), CALL),
      update: (timeline, ...rest) => library.update!(rename(timeline), ...rest),
      delete: (timeline, seqId) => library.delete!(rename(timeline), seqId, CALL),
      trim: (timeline, cut) => library.trim!(rename(timeline), cut, CALL),
      watch: (timeline, wake) => library.watch!(rename(timeline), wake),
    };
  };

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
