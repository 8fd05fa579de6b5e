import type { Page, TimelineEntry, TimelineStore } from '../../src/types.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { type Shown, shownEntry } from './device-message.js';
import type { Found } from './merged-stream.js';

/** Entries of other kinds that stand between those referred to. */
const SLACK = 8;
const MOST = 10_000;

type Range = Parameters<TimelineStore<never>['readBatch']>[0][number];

/**
 * Looks up the bodies that are the conversations', as they are at present: each conversation's in one range, all in one round
 * trip. Another one, entry by entry, is for those that lie so far apart that the range would be mostly others. In place of a
 * reference to what is no message at all, `undefined`.
 */
export async function resolveReferences<M>(
  store: TimelineStore<Stored<M>>,
  found: readonly Found<M>[],
): Promise<(Shown<M> | undefined)[]> {
  const references = found.flatMap(({ message, isReference }) => (isReference ? [message] : []));
  if (references.length === 0) return found.map(({ message }) => message);
  const byConversation = new Map<string, Shown<M>[]>();
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
        targets.set(placeOf(timeline as string, entry.seqId), entry);
    }
    return pages;
  };
  const pages = await read(groups.map(rangeOf));
  const left = groups.filter((_, i) => !(pages[i] as Page<Stored<M>>).upToDate).flat();
  await read(left.filter((message) => !targets.has(placeOfEntry(message))).map((message) => rangeOf([message])));
  return found.map(({ message, isReference }) =>
    isReference ? resolved(message, targets.get(placeOfEntry(message))) : message,
  );
}

const placeOf = (conversation: string, seqId: bigint) => `${seqId} ${conversation}`;
const placeOfEntry = ({ conversation, entrySeqId }: Shown<unknown>) => placeOf(conversation, entrySeqId);

/** Inbox entries of a conversation come in its order, but for what reached a user who had left and came back. */
function rangeOf(messages: readonly Shown<unknown>[]): Range {
  const { conversation, entrySeqId } = messages[0] as Shown<unknown>;
  let [first, last] = [entrySeqId, entrySeqId];
  for (const { entrySeqId: seqId } of messages) {
    if (seqId < first) first = seqId;
    if (seqId > last) last = seqId;
  }
  const limit = messages.length === 1 ? 1 : Math.min(2 * messages.length + SLACK, MOST);
  return { timeline: conversation, after: first - 1n, before: last + 1n, limit };
}

function resolved<M>(message: Shown<M>, entry: TimelineEntry<Stored<M>> | undefined): Shown<M> | undefined {
  if (!entry || entry.deleted) return message;
  if (isUndecodable(entry.message)) return { ...message, undecodable: true };
  if (message.undecodable) return shownEntry(message.conversation, entry);
  const target = entry.message;
  if (target.kind !== 'message' && target.kind !== 'edit') return message;
  const isRecalled = target.kind === 'edit' ? target.body === undefined : target.recalled !== undefined;
  return {
    ...message,
    ...(target.body !== undefined && { body: target.body }),
    ...(isRecalled && { recalled: true as const }),
  };
}
