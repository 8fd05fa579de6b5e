import type { TimelineEntry, TimelineStore } from '../../src/index.js';
import type { Stored } from '../types.js';
import { copyKey, timelineOf } from './names.js';
import { lenient } from './undecodable.js';

const PAGE = 1000;
/** Relations to the messages of one Timeline of the index that a read looks at, the newest first. */
const MAX_RELATIONS = 10_000;

/** A message that relates to another one. */
export interface Relation {
  /** SeqId of the message that relates to the other. */
  readonly seqId: bigint;
  readonly sender: string;
}

/** A relation as the index holds it. SeqIds are decimal strings. */
interface RelationRecord {
  readonly target: string;
  readonly relation: string;
  readonly sender: string;
}

/** Adds a message to the index if it relates to another one. Idempotent. */
export async function recordRelation<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
): Promise<void> {
  const { message, seqId } = entry;
  if (message.kind !== 'message' || message.relatesTo === undefined) return;
  const { relatesTo: target, sender } = message;
  const state: RelationRecord = { target, relation: String(seqId), sender };
  await store
    .timeline(timelineOf.relations(conversation, BigInt(target)))
    .append({ kind: 'state', state }, { key: copyKey(conversation, entry) });
}

/** Finds the messages that relate to each target, the newest first. */
export async function readRelations<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  targets: readonly bigint[],
): Promise<Map<bigint, Relation[]>> {
  const found = new Map(targets.map((target) => [target, new Map<bigint, Relation>()]));
  const ids = new Map(
    targets.map((target) => timelineOf.relations(conversation, target)).map((id) => [String(id), id]),
  );
  let open = [...ids.values()].map((timeline) => ({ timeline, before: undefined as string | undefined }));
  for (let read = 0; open.length > 0 && read < MAX_RELATIONS; read += PAGE) {
    const pages = await store.readBatch(
      open.map((range) => ({ ...range, reverse: true, limit: PAGE })),
      lenient,
    );
    for (const { message, deleted } of pages.flatMap(({ entries }) => entries)) {
      if (deleted || message.kind !== 'state') continue;
      const { target, relation, sender } = message.state as RelationRecord;
      const seqId = BigInt(relation);
      const relations = found.get(BigInt(target));
      // An older record of the same SeqId is of another epoch of the conversation.
      if (relations && !relations.has(seqId)) relations.set(seqId, { seqId, sender });
    }
    open = open.flatMap(({ timeline }, i) => {
      const page = pages[i];
      return !page || page.upToDate ? [] : [{ timeline, before: page.next }];
    });
  }
  return new Map([...found].map(([target, relations]) => [target, newestFirst([...relations.values()])]));
}

/** Processes that fan out side by side may record relations in another order. */
function newestFirst(relations: Relation[]): Relation[] {
  return relations.sort((a, b) => (a.seqId > b.seqId ? -1 : 1));
}
