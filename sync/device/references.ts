import type { Page, TimelineEntry, TimelineStore } from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { type DeviceMessage, fromConversationEntry } from './device-message.js';
import type { StreamMessage } from './stream-page.js';

/** Entries of other kinds that may stand between the referenced ones. */
const SLACK = 8;
const MAX_RANGE = 10_000;

type Range = Parameters<TimelineStore<never>['readBatch']>[0][number];

/**
 * Looks up the current bodies of references. Reads one range per conversation, all in one round trip, and a second
 * round trip for entries that lie too far apart for a range. A reference to an entry that is no message is `undefined`.
 */
export async function resolveReferences<M>(
  store: TimelineStore<Stored<M>>,
  found: readonly StreamMessage<M>[],
): Promise<(DeviceMessage<M> | undefined)[]> {
  const references = found.flatMap(({ message, isReference }) => (isReference ? [message] : []));
  if (references.length === 0) return found.map(({ message }) => message);
  const byConversation = new Map<string, DeviceMessage<M>[]>();
  for (const message of references) {
    const list = byConversation.get(message.conversation);
    if (list) list.push(message);
    else byConversation.set(message.conversation, [message]);
  }
  const groups = [...byConversation.values()];
  const targets = new Map<string, TimelineEntry<Stored<M>>>();
  const read = async (ranges: readonly Range[]): Promise<Page<Stored<M>>[]> => {
    const pages = ranges.length === 0 ? [] : await store.readBatch(ranges, lenient);
    for (const [i, { timeline }] of ranges.entries()) {
      for (const entry of (pages[i] as Page<Stored<M>>).entries)
        targets.set(targetKey(timeline as string, entry.seqId), entry);
    }
    return pages;
  };
  const pages = await read(groups.map(rangeOf));
  const left = groups.filter((_, i) => !(pages[i] as Page<Stored<M>>).upToDate).flat();
  await read(left.filter((message) => !targets.has(keyOf(message))).map((message) => rangeOf([message])));
  return found.map(({ message, isReference }) =>
    isReference ? resolved(message, targets.get(keyOf(message))) : message,
  );
}

const targetKey = (conversation: string, seqId: bigint) => `${seqId} ${conversation}`;
const keyOf = ({ conversation, entrySeqId }: DeviceMessage<unknown>) => targetKey(conversation, entrySeqId);

/** Finds first and last itself: a copy that is written again after its key was forgotten is not in order. */
function rangeOf(messages: readonly DeviceMessage<unknown>[]): Range {
  const { conversation, entrySeqId } = messages[0] as DeviceMessage<unknown>;
  let [first, last] = [entrySeqId, entrySeqId];
  for (const { entrySeqId: seqId } of messages) {
    if (seqId < first) first = seqId;
    if (seqId > last) last = seqId;
  }
  const limit = messages.length === 1 ? 1 : Math.min(2 * messages.length + SLACK, MAX_RANGE);
  return { timeline: conversation, after: first - 1n, before: last + 1n, limit };
}

function resolved<M>(
  message: DeviceMessage<M>,
  entry: TimelineEntry<Stored<M>> | undefined,
): DeviceMessage<M> | undefined {
  if (!entry || entry.deleted) return message;
  if (isUndecodable(entry.message)) return { ...message, undecodable: true };
  if (message.undecodable) return fromConversationEntry(message.conversation, entry);
  const target = entry.message;
  if (target.kind !== 'message' && target.kind !== 'edit') return message;
  const isRecalled = target.kind === 'edit' ? target.body === undefined : target.recalled !== undefined;
  return {
    ...message,
    ...(target.body !== undefined && { body: target.body }),
    ...(isRecalled && { recalled: true as const }),
  };
}
