import type { AdapterHead, AdapterLibrary, Slice } from '../../../src/adapter.js';
import type { LibraryChanges } from '../../../testing/index.js';
import { CALL, type Mutant, mutant } from './mutant.js';

/** Heads and pages with the first entry that this store saw first; its own trims are noticed. */
function rememberingFirst(library: AdapterLibrary, where: 'heads' | 'pages'): LibraryChanges {
  const firsts = new Map<string, bigint>();
  const remembered = <H extends AdapterHead>(timeline: string, head: H): H => {
    if (head.firstSeqId > head.lastSeqId && !firsts.has(timeline)) return head;
    const firstSeqId = firsts.get(timeline) ?? head.firstSeqId;
    firsts.set(timeline, firstSeqId);
    return { ...head, firstSeqId };
  };
  return {
    async heads(timelines) {
      const heads = await library.heads(timelines, CALL);
      return heads.map((head, i) => {
        const old = remembered(timelines[i]!, head);
        return where === 'heads' ? old : head;
      });
    },
    async read(ranges) {
      const slices = await library.read(ranges, CALL);
      return slices.map((slice, i) => {
        const old = remembered(ranges[i]!.timeline, slice);
        return where === 'pages' ? old : slice;
      });
    },
    async trim(timeline, cut) {
      await library.trim!(timeline, cut, CALL);
      firsts.delete(timeline);
    },
  };
}

const seenLast = (slice: Slice): bigint =>
  slice.rows.reduce((last, { seqId }) => (seqId > last ? seqId : last), slice.rows.length > 0 ? 0n : slice.lastSeqId);

/** Mutants that remember ends of Timelines which other stores move. */
export const headMutants: readonly Mutant[] = [
  mutant('Head', 'remembers the first entry that another store trims', (library) => rememberingFirst(library, 'heads')),
  mutant('Head', 'has a remembered first entry on a page that tells of its trim', (library) =>
    rememberingFirst(library, 'pages'),
  ),
  mutant('Head', 'takes the newest entry of a page for the last', (library) => ({
    read: async (ranges) =>
      (await library.read(ranges, CALL)).map((slice) => ({ ...slice, lastSeqId: seenLast(slice) })),
  })),
  mutant('Head', 'answers a head with the one before it', (library) => {
    let behind: AdapterHead[] | undefined;
    return {
      async heads(timelines) {
        const heads = [...(await library.heads(timelines, CALL))];
        const answer = behind?.length === heads.length ? behind : heads;
        behind = heads;
        return answer;
      },
    };
  }),
];
