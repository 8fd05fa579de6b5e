import { type Cursor, type Head, type Page, seqIdOf, type TimelineEntry, type TimelineStore } from '../../src/index.js';
import { isListed } from '../shared/message-kinds.js';
import { SkipReader } from '../shared/skip-index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Entries that a first page reads beyond the messages that it needs. */
const SLACK = 8;
/** Entries of a later page, if few of those before were messages. */
const MAX_PAGE = 1000;
/** A page of as many entries without a message is reason to look into the skip index. */
const MIN_WITHOUT_MESSAGES = 32;

export type Entry<M> = TimelineEntry<Stored<M>>;

/** Both bounds are exclusive. */
export interface WalkRange {
  readonly after: Cursor | bigint;
  readonly before?: Cursor | bigint | undefined;
}

export interface WalkOptions {
  /** Messages after which the walk ends. */
  readonly count: number;
  readonly reverse: boolean;
  readonly signal: AbortSignal | undefined;
}

/** The messages of a range, from one end of it on. */
export interface Walk<M> {
  /** In the order of the walk. Those that do not decode are messages, as devices get them; reactions are not. */
  readonly messages: readonly Entry<M>[];
  /** Edits and recalls between them. */
  readonly changes: readonly Entry<M>[];
  /** The first entry of the walk, of any kind. */
  readonly first: Entry<M> | undefined;
  /** The last entry of the walk, of any kind. */
  readonly last: Entry<M> | undefined;
  /** The position after the walk. */
  readonly end: Cursor;
  readonly head: Head;
  /** Entries of the range up to this SeqId are gone. */
  readonly truncatedThrough: bigint | undefined;
  /** Entries were left out, which may be edits and recalls. */
  readonly hasSkipped: boolean;
}

/**
 * Walks over a range until it has met `count` messages. Pages grow where other entries stand between them, and long
 * stretches without messages are left out.
 */
export async function walkMessages<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  range: WalkRange,
  { count, reverse, signal }: WalkOptions,
): Promise<Walk<M>> {
  const timeline = store.timeline(conversation);
  const skips = new SkipReader(store, conversation, 'listed', signal);
  const messages: Entry<M>[] = [];
  const changes: Entry<M>[] = [];
  let first: Entry<M> | undefined;
  let last: Entry<M> | undefined;
  let truncatedThrough: bigint | undefined;
  let hasSkipped = false;
  let rest = range;
  let limit = count + SLACK;
  for (;;) {
    const before = messages.length;
    const page: Page<Stored<M>> = await timeline.read({ ...rest, reverse, limit, signal, ...lenient });
    truncatedThrough = page.truncated?.through ?? truncatedThrough;
    for (const entry of page.entries) {
      first ??= entry;
      last = entry;
      if (isListed(entry)) messages.push(entry);
      else if (isChange(entry)) changes.push(entry);
      if (messages.length === count) break;
    }
    if (messages.length === count || page.upToDate)
      return { messages, changes, first, last, end: page.next, head: page.head, truncatedThrough, hasSkipped };
    rest = reverse ? { ...range, before: page.next } : { ...range, after: page.next };
    limit = Math.max(limit, Math.min(4 * limit, MAX_PAGE));
    if (messages.length > before || page.entries.length < MIN_WITHOUT_MESSAGES) continue;
    const skipped = await skip(skips, range, (last as Entry<M>).seqId, reverse);
    if (!skipped) continue;
    hasSkipped = true;
    rest = skipped;
    limit = count - messages.length + SLACK;
  }
}

/** Returns what is left of the range, if a stretch behind `seqId` holds no messages. */
async function skip<M>(
  skips: SkipReader<M>,
  range: WalkRange,
  seqId: bigint,
  reverse: boolean,
): Promise<WalkRange | undefined> {
  if (reverse) {
    const start = seqIdAt(range.after);
    const before = (await skips.lastUpTo(seqId - 1n)) + 1n;
    return before === seqId ? undefined : { ...range, before: before > start ? before : start + 1n };
  }
  const after = await skips.lastBefore(seqId);
  const end = range.before === undefined ? undefined : seqIdAt(range.before);
  return after === seqId ? undefined : { ...range, after: end === undefined || after < end ? after : end - 1n };
}

function seqIdAt(position: Cursor | bigint): bigint {
  return typeof position === 'bigint' ? position : seqIdOf(position);
}

export function isChange({ deleted, message }: Entry<unknown>): boolean {
  return !deleted && (message.kind === 'edit' || message.kind === 'recall');
}
