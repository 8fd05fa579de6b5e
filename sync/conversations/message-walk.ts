import type { Cursor, Head, Page, Timeline, TimelineEntry } from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Entries that a first page reads beyond the messages that it needs. */
const SLACK = 8;
/** Entries of a later page, if few of those before were messages. */
const MAX_PAGE = 1000;

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
}

/** Walks over a range until it has met `count` messages. Pages grow where other entries stand between them. */
export async function walkMessages<M>(
  timeline: Timeline<Stored<M>>,
  range: WalkRange,
  { count, reverse, signal }: WalkOptions,
): Promise<Walk<M>> {
  const messages: Entry<M>[] = [];
  const changes: Entry<M>[] = [];
  let first: Entry<M> | undefined;
  let last: Entry<M> | undefined;
  let truncatedThrough: bigint | undefined;
  let rest = range;
  let limit = count + SLACK;
  for (;;) {
    const page: Page<Stored<M>> = await timeline.read({ ...rest, reverse, limit, signal, ...lenient });
    truncatedThrough = page.truncated?.through ?? truncatedThrough;
    for (const entry of page.entries) {
      first ??= entry;
      last = entry;
      if (isMessage(entry)) messages.push(entry);
      else if (isChange(entry)) changes.push(entry);
      if (messages.length === count) break;
    }
    if (messages.length === count || page.upToDate) {
      return { messages, changes, first, last, end: page.next, head: page.head, truncatedThrough };
    }
    rest = reverse ? { ...range, before: page.next } : { ...range, after: page.next };
    limit = Math.max(limit, Math.min(4 * limit, MAX_PAGE));
  }
}

/** A reaction, which is not counted and relates to a message, is shown with that message. */
function isMessage({ deleted, message }: Entry<unknown>): boolean {
  if (deleted) return false;
  if (message.kind !== 'message') return isUndecodable(message);
  return message.countable !== false || message.relatesTo === undefined;
}

export function isChange({ deleted, message }: Entry<unknown>): boolean {
  return !deleted && (message.kind === 'edit' || message.kind === 'recall');
}
