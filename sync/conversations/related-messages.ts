import type { TimelineEntry, TimelineStore } from '../../src/index.js';
import { type Relation, readRelations } from '../shared/relation-index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored, StoredMessage } from '../types.js';
import { type ChangesByTarget, withChanges } from './pending-changes.js';

const ENTRIES_PER_CALL = 500;
/** Messages of one sender that are looked at in one round trip, after the first few. */
const MAX_CANDIDATES = 256;

/** A message that relates to another one. */
export interface RelatedMessage<M> {
  readonly entry: TimelineEntry<Stored<M>>;
  /** With its present body. */
  readonly message: StoredMessage<M>;
}

interface RelatedOptions<M> {
  /** Later messages do not count. */
  readonly through?: bigint | undefined;
  /** Edits and recalls that may not have changed their messages yet. */
  readonly changes?: ChangesByTarget<M>;
}

/**
 * Finds the messages that relate to each target: the newest of each sender that was not recalled, in the order of the
 * conversation. Targets to which nothing relates are left out.
 *
 * @example
 * const related = await relatedMessages(store, 'team', page.map(({ seqId }) => seqId), { through: visibleThrough });
 */
export async function relatedMessages<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  targets: readonly bigint[],
  { through, changes = new Map() }: RelatedOptions<M> = {},
): Promise<Map<bigint, RelatedMessage<M>[]>> {
  const related = new Map<bigint, RelatedMessage<M>[]>();
  if (targets.length === 0) return related;
  let open: Candidates[] = [];
  for (const [target, relations] of await readRelations(store, conversation, targets)) {
    const visible = relations.filter(({ seqId }) => through === undefined || seqId <= through);
    open.push(...candidatesBySender(target, visible));
  }
  for (let size = 1; open.length > 0; size = Math.min(4 * size, MAX_CANDIDATES)) {
    const entries = await readEntries(
      store,
      conversation,
      open.flatMap(({ seqIds }) => seqIds.slice(0, size)),
    );
    const entryAt = new Map(entries.map((entry) => [entry.seqId, entry]));
    open = open.flatMap(({ target, sender, seqIds }) => {
      for (const seqId of seqIds.slice(0, size)) {
        const entry = entryAt.get(seqId);
        const message = entry && presentMessage(entry, changes);
        if (!message || message.sender !== sender || message.relatesTo !== String(target)) continue;
        related.set(target, [...(related.get(target) ?? []), { entry, message }]);
        return [];
      }
      const rest = seqIds.slice(size);
      return rest.length === 0 ? [] : [{ target, sender, seqIds: rest }];
    });
  }
  for (const some of related.values()) some.sort((a, b) => (a.entry.seqId < b.entry.seqId ? -1 : 1));
  return related;
}

/** The messages of one sender that relate to the target, the newest first. */
interface Candidates {
  readonly target: bigint;
  readonly sender: string;
  readonly seqIds: readonly bigint[];
}

function candidatesBySender(target: bigint, relations: readonly Relation[]): Candidates[] {
  const bySender = new Map<string, bigint[]>();
  for (const { sender, seqId } of relations) {
    const seqIds = bySender.get(sender);
    if (seqIds) seqIds.push(seqId);
    else bySender.set(sender, [seqId]);
  }
  return [...bySender].map(([sender, seqIds]) => ({ target, sender, seqIds }));
}

async function readEntries<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  seqIds: readonly bigint[],
): Promise<TimelineEntry<Stored<M>>[]> {
  const entries: TimelineEntry<Stored<M>>[] = [];
  for (let i = 0; i < seqIds.length; i += ENTRIES_PER_CALL) {
    const ranges = seqIds
      .slice(i, i + ENTRIES_PER_CALL)
      // `after` would be refused beyond the tail, where the index of another epoch may point to.
      .map((seqId) => ({ timeline: conversation, before: seqId + 1n, reverse: true, limit: 1 }));
    for (const page of await store.readBatch(ranges, lenient)) entries.push(...page.entries);
  }
  return entries;
}

/** Returns `undefined` for a message that is gone or recalled. The index may be of another epoch. */
function presentMessage<M>(entry: TimelineEntry<Stored<M>>, changes: ChangesByTarget<M>): StoredMessage<M> | undefined {
  if (entry.deleted) return undefined;
  const message = withChanges(entry, changes);
  return message.kind === 'message' && message.recalled === undefined ? message : undefined;
}
