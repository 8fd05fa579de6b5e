import type { Page, TimelineEntry, TimelineStore } from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { type DeviceMessage, type DeviceMessageOf, fromConversationEntry } from './device-message.js';
import type { StreamMessage } from './stream-page.js';

/** Entries of other kinds that may stand between the wanted ones. */
const SLACK = 8;
const MAX_RANGE = 10_000;

type Range = Parameters<TimelineStore<never>['readBatch']>[0][number];

interface Wanted {
  readonly conversation: string;
  readonly seqId: bigint;
}

/**
 * Looks up the current bodies of references, and of the messages that edits change: whoever gets an old edit late gets
 * the body that its message has now. Reads one range per conversation, all in one round trip, and a second round trip
 * for entries that lie too far apart for a range. A reference to an entry that is no message is `undefined`.
 */
export async function resolveReferences<M>(
  store: TimelineStore<Stored<M>>,
  found: readonly StreamMessage<M>[],
): Promise<(DeviceMessage<M> | undefined)[]> {
  const entries = new ConversationEntries(store);
  const wanted = found.flatMap(({ message, isReference }) => [
    ...(isReference ? [entryOf(message)] : []),
    ...(message.kind === 'edit' ? [targetOf(message)] : []),
  ]);
  await entries.load(wanted);
  const messages = found.map(({ message, isReference }) =>
    isReference ? resolved(message, entries.get(entryOf(message))) : message,
  );
  const edits = messages.flatMap((message) => (message?.kind === 'edit' ? [targetOf(message)] : []));
  // The entry alone tells that a reference which did not decode at its fan-out is an edit.
  await entries.load(edits);
  return messages.map((message) =>
    message?.kind === 'edit' ? withCurrentBody(message, entries.get(targetOf(message))) : message,
  );
}

const entryOf = ({ conversation, entrySeqId }: DeviceMessage<unknown>): Wanted => ({ conversation, seqId: entrySeqId });
const targetOf = ({ conversation, seqId }: DeviceMessage<unknown>): Wanted => ({ conversation, seqId });
const keyOf = ({ conversation, seqId }: Wanted) => `${seqId} ${conversation}`;

/** Entries of conversations, each read once. */
class ConversationEntries<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #entries = new Map<string, TimelineEntry<Stored<M>> | undefined>();

  constructor(store: TimelineStore<Stored<M>>) {
    this.#store = store;
  }

  get(wanted: Wanted): TimelineEntry<Stored<M>> | undefined {
    return this.#entries.get(keyOf(wanted));
  }

  async load(wanted: readonly Wanted[]): Promise<void> {
    const groups = new Map<string, Map<bigint, Wanted>>();
    for (const each of wanted) {
      if (this.#entries.has(keyOf(each))) continue;
      const group = groups.get(each.conversation);
      if (group) group.set(each.seqId, each);
      else groups.set(each.conversation, new Map([[each.seqId, each]]));
    }
    const lists = [...groups.values()].map((group) => [...group.values()]);
    const pages = await this.#read(lists.map(rangeOf));
    const left = lists.filter((_, i) => !(pages[i] as Page<Stored<M>>).upToDate).flat();
    await this.#read(left.filter((each) => !this.#entries.has(keyOf(each))).map((each) => rangeOf([each])));
    for (const each of lists.flat()) if (!this.get(each)) this.#entries.set(keyOf(each), undefined);
  }

  async #read(ranges: readonly Range[]): Promise<Page<Stored<M>>[]> {
    const pages = ranges.length === 0 ? [] : await this.#store.readBatch(ranges, lenient);
    for (const [i, { timeline }] of ranges.entries()) {
      for (const entry of (pages[i] as Page<Stored<M>>).entries)
        this.#entries.set(keyOf({ conversation: timeline as string, seqId: entry.seqId }), entry);
    }
    return pages;
  }
}

/** Finds first and last itself: wanted entries come from several places. */
function rangeOf(wanted: readonly Wanted[]): Range {
  const { conversation, seqId } = wanted[0] as Wanted;
  let [first, last] = [seqId, seqId];
  for (const each of wanted) {
    if (each.seqId < first) first = each.seqId;
    if (each.seqId > last) last = each.seqId;
  }
  const limit = wanted.length === 1 ? 1 : Math.min(2 * wanted.length + SLACK, MAX_RANGE);
  return { timeline: conversation, after: first - 1n, before: last + 1n, limit };
}

function resolved<M>(
  message: DeviceMessage<M>,
  entry: TimelineEntry<Stored<M>> | undefined,
): DeviceMessage<M> | undefined {
  if (!entry || entry.deleted || !hasBody(message)) return message;
  // The conversation has lost the entry, and given its SeqId to another one.
  if (entry.appendedAt !== message.sentAt) return message;
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

function hasBody<M>(message: DeviceMessage<M>): message is DeviceMessageOf<M, 'message' | 'edit'> {
  return message.kind === 'message' || message.kind === 'edit';
}

/** An edit that is not applied yet, or whose message is gone, keeps its own body. */
function withCurrentBody<M>(
  edit: DeviceMessageOf<M, 'edit'>,
  target: TimelineEntry<Stored<M>> | undefined,
): DeviceMessage<M> {
  if (!target || target.deleted || isUndecodable(target.message) || target.message.kind !== 'message') return edit;
  const { body, edited, recalled } = target.message;
  const { body: _, ...rest } = edit;
  if (recalled !== undefined) return { ...rest, recalled: true };
  return edited !== undefined && BigInt(edited) >= edit.entrySeqId && body !== undefined ? { ...rest, body } : edit;
}
