import type { TimelineEntry, TimelineStore } from '../../src/index.js';
import { type Relation, readRelations } from '../shared/relation-index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored, StoredMessage } from '../types.js';

const ENTRIES_PER_CALL = 500;

/** A message that relates to another one, with its present body. */
export type RelatedEntry<M> = TimelineEntry<StoredMessage<M>>;

/**
 * Finds the messages that relate to each target: the newest of each sender that was not recalled, in the order of the
 * conversation. Targets to which nothing relates are left out. With `through`, later messages do not count.
 *
 * @example
 * const related = await relatedMessages(store, 'team', page.map(({ seqId }) => seqId), { through: visibleThrough });
 */
export async function relatedMessages<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  targets: readonly bigint[],
  { through }: { readonly through?: bigint | undefined } = {},
): Promise<Map<bigint, RelatedEntry<M>[]>> {
  const related = new Map<bigint, RelatedEntry<M>[]>();
  if (targets.length === 0) return related;
  let open: Candidates[] = [];
  for (const [target, relations] of await readRelations(store, conversation, targets)) {
    const visible = relations.filter(({ seqId }) => through === undefined || seqId <= through);
    open.push(...candidatesBySender(target, visible));
  }
  while (open.length > 0) {
    const entries = await readEntries(
      store,
      conversation,
      open.map(({ seqIds }) => seqIds[0] as bigint),
    );
    open = open.flatMap((candidates, i) => {
      const entry = entries[i];
      if (!isRelated(entry, candidates.target)) {
        const seqIds = candidates.seqIds.slice(1);
        return seqIds.length === 0 ? [] : [{ ...candidates, seqIds }];
      }
      related.set(candidates.target, [...(related.get(candidates.target) ?? []), entry]);
      return [];
    });
  }
  for (const entries of related.values()) entries.sort((a, b) => (a.seqId < b.seqId ? -1 : 1));
  return related;
}

/** The messages of one sender that relate to the target, the newest first. */
interface Candidates {
  readonly target: bigint;
  readonly seqIds: readonly bigint[];
}

function candidatesBySender(target: bigint, relations: readonly Relation[]): Candidates[] {
  const bySender = new Map<string, bigint[]>();
  for (const { sender, seqId } of relations) {
    const seqIds = bySender.get(sender);
    if (seqIds) seqIds.push(seqId);
    else bySender.set(sender, [seqId]);
  }
  return [...bySender.values()].map((seqIds) => ({ target, seqIds }));
}

async function readEntries<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  seqIds: readonly bigint[],
): Promise<(TimelineEntry<Stored<M>> | undefined)[]> {
  const entries: (TimelineEntry<Stored<M>> | undefined)[] = [];
  for (let i = 0; i < seqIds.length; i += ENTRIES_PER_CALL) {
    const ranges = seqIds
      .slice(i, i + ENTRIES_PER_CALL)
      .map((seqId) => ({ timeline: conversation, after: seqId - 1n, before: seqId + 1n, limit: 1 }));
    for (const page of await store.readBatch(ranges, lenient)) entries.push(page.entries[0]);
  }
  return entries;
}

/** The index may be of another epoch, and the message may be gone or recalled. */
function isRelated<M>(entry: TimelineEntry<Stored<M>> | undefined, target: bigint): entry is RelatedEntry<M> {
  if (!entry || entry.deleted || entry.message.kind !== 'message') return false;
  const { relatesTo, recalled } = entry.message;
  return relatesTo === String(target) && recalled === undefined;
}
