import { type Cursor, seqIdOf, type Timeline, type TimelineStore } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { type DeviceMessageOf, fromConversationEntry, withCursor } from '../device/device-message.js';
import { type VisibleRange, visibleRange } from '../members/visible-range.js';
import type { Context } from '../shared/context.js';
import { lenient } from '../shared/undecodable.js';
import type { ChatMessage, MessagePage, MessagesOptions, Stored } from '../types.js';
import { type Entry, type Walk, type WalkOptions, type WalkRange, walkMessages } from './message-walk.js';
import { appliedThrough, byTarget, readChanges, withChanges } from './pending-changes.js';
import { relatedMessages } from './related-messages.js';

/** Finds out if there is a message besides the one at the position. */
const OLDER = { count: 2, reverse: true } as const;

type Position = Cursor | bigint;
type PageRequest = Omit<MessagesOptions, 'limit' | 'before' | 'after'> & {
  readonly limit: number;
  readonly before: Position | undefined;
  readonly after: Position | undefined;
};

/** A page before its messages are made. */
interface FoundPage<M> extends Omit<MessagePage<M>, 'messages'> {
  /** Oldest first. */
  readonly entries: readonly Entry<M>[];
  readonly walk: Walk<M>;
}

/**
 * Reads a page of messages. The fan-out position is read first: edits and recalls after it may not have changed their
 * messages yet, and are applied to what is returned.
 */
export async function readMessages<M>(
  context: Context<M>,
  conversation: string,
  request: PageRequest,
): Promise<MessagePage<M>> {
  const { user, signal } = request;
  const timeline = context.store.timeline(conversation);
  const [[position], visible] = await Promise.all([
    context.fanOutPositions.get([conversation]),
    user === undefined ? { after: 0n, through: undefined } : visibleRange(context, conversation, user),
  ]);
  if (!visible) return { messages: [], after: await cursorAt(timeline, 0n, signal), upToDate: true };
  const read = request.after === undefined ? readBackward : readForward;
  const { entries, walk, ...page } = await read(context.store, conversation, visible, request);
  const changes = byTarget(await changesOf(timeline, entries, walk, position, signal));
  const targets = entries.map(({ seqId }) => seqId);
  const related = await relatedMessages(context.store, conversation, targets, { through: visible.through, changes });
  const messages = entries.map((entry) => {
    const its = related.get(entry.seqId)?.map((each) => messageOf(conversation, each.entry, each.message));
    return messageOf(conversation, entry, withChanges(entry, changes), its);
  });
  return { messages, ...page };
}

async function readBackward<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  visible: VisibleRange,
  { before, limit, signal }: PageRequest,
): Promise<FoundPage<M>> {
  const timeline = store.timeline(conversation);
  const end = earlier(before, visible.through);
  const [walk] = await Promise.all([
    walkMessages(
      store,
      conversation,
      { after: visible.after, before: end },
      { count: limit + 1, reverse: true, signal },
    ),
    before === end ? undefined : checkCursor(timeline, before, signal),
  ]);
  const hasOlder = walk.messages.length > limit;
  const entries = walk.messages.slice(0, limit).reverse();
  return {
    entries,
    walk,
    ...(hasOlder && { before: (entries[0] as Entry<M>).cursor }),
    after: walk.first?.cursor ?? (await cursorAt(timeline, visible.after, signal)),
    upToDate: !hasNewer(walk, visible, before),
    ...(!hasOlder && truncation(walk, visible)),
  };
}

async function readForward<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  visible: VisibleRange,
  { after: given, before, limit, signal }: PageRequest,
): Promise<FoundPage<M>> {
  const timeline = store.timeline(conversation);
  const walkOver = (range: WalkRange, options: WalkOptions) => walkMessages(store, conversation, range, options);
  const after = later(given as Position, visible.after);
  const end = earlier(before, visible.through);
  const start = seqIdAt(after);
  const [walk, older] = await Promise.all([
    walkOver({ after, before: end }, { count: limit + 1, reverse: false, signal }),
    start === undefined ? undefined : walkOver({ after: visible.after, before: start + 1n }, { ...OLDER, signal }),
    after === given ? undefined : checkCursor(timeline, given, signal),
    before === end ? undefined : checkCursor(timeline, before, signal),
  ]);
  const entries = walk.messages.slice(0, limit);
  const hasMore = walk.messages.length > limit;
  const oldest = entries[0]?.cursor ?? walk.first?.cursor ?? walk.end;
  const hasOlder = older?.messages.some(({ seqId }) => seqId < seqIdOf(oldest));
  return {
    entries,
    walk,
    ...(hasOlder && { before: oldest }),
    after: hasMore ? (entries.at(-1) as Entry<M>).cursor : walk.end,
    upToDate: !hasMore && !hasNewer(walk, visible, before),
    ...truncation(walk, visible),
  };
}

/** Edits and recalls that may not have changed the messages of the page yet. */
async function changesOf<M>(
  timeline: Timeline<Stored<M>>,
  entries: readonly Entry<M>[],
  { head, changes, first, last, hasSkipped }: Walk<M>,
  position: Cursor | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly Entry<M>[]> {
  const oldest = entries[0];
  if (!oldest) return [];
  // The walk has met everything from the oldest message to the tail.
  if (!hasSkipped && (first?.seqId === head.lastSeqId || last?.seqId === head.lastSeqId)) return changes;
  const applied = appliedThrough(position, head);
  const after = applied > oldest.seqId ? applied : oldest.seqId;
  return readChanges(timeline, { after, through: head.lastSeqId }, signal);
}

function messageOf<M>(
  conversation: string,
  { seqId, appendedAt, cursor }: Entry<M>,
  message: Stored<M>,
  related?: readonly ChatMessage<M>[],
): ChatMessage<M> {
  const made = fromConversationEntry(conversation, { seqId, appendedAt, message, deleted: false });
  const isEdited = message.kind === 'message' && message.edited !== undefined && message.recalled === undefined;
  const found = {
    ...(made as DeviceMessageOf<M, 'message'>),
    ...(isEdited && { edited: true as const }),
    ...(related && { related }),
  };
  return withCursor(withJson(found), () => cursor);
}

function truncation<M>({ truncatedThrough }: Walk<M>, { through }: VisibleRange): Pick<MessagePage<M>, 'truncated'> {
  if (truncatedThrough === undefined) return {};
  const last = through !== undefined && through < truncatedThrough ? through : truncatedThrough;
  return { truncated: withJson({ through: last }) };
}

/** `true` if the user sees entries at or behind the end that the caller chose. */
function hasNewer<M>({ head }: Walk<M>, { through }: VisibleRange, before: Position | undefined): boolean {
  const end = before === undefined ? undefined : seqIdAt(before);
  const last = through !== undefined && through < head.lastSeqId ? through : head.lastSeqId;
  return end !== undefined && end <= last;
}

/** The position itself, or the first SeqId behind `through` if that comes before it. */
function earlier(before: Position | undefined, through: bigint | undefined): Position | undefined {
  if (through === undefined) return before;
  const seqId = before === undefined ? undefined : seqIdAt(before);
  if (before !== undefined && (seqId === undefined || seqId <= through)) return before;
  return through + 1n;
}

function later(after: Position, bound: bigint): Position {
  const seqId = seqIdAt(after);
  return seqId === undefined || seqId >= bound ? after : bound;
}

/** Returns `undefined` for a text that is no cursor: the read refuses it. */
function seqIdAt(position: Position): bigint | undefined {
  if (typeof position === 'bigint') return position;
  return /(?:^|\.)\d{1,19}$/.test(position) ? seqIdOf(position) : undefined;
}

/** Law Epoch also holds for a cursor that lies outside of what the user sees. */
async function checkCursor<M>(
  timeline: Timeline<Stored<M>>,
  position: Position | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (typeof position === 'string') await timeline.read({ after: position, limit: 1, signal, ...lenient });
}

async function cursorAt<M>(
  timeline: Timeline<Stored<M>>,
  seqId: bigint,
  signal: AbortSignal | undefined,
): Promise<Cursor> {
  return (await timeline.read({ after: seqId, before: seqId + 1n, limit: 1, signal, ...lenient })).next;
}
