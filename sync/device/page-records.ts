import { randomInt } from 'node:crypto';
import { type Timeline, TimelineError, type TimelineId, type TimelineStore } from '../../src/index.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { encodePosition } from './conversation-position.js';
import type { RecordedChanges } from './device-cursor.js';
import type { ConversationChange } from './page-changes.js';

/** Records that are kept. */
export const KEPT_RECORDS = 256;
const TRIM_EVERY = 32n;
/** A page of more bytes is recorded in several parts. */
const MAX_BYTES = 256 * 1024;
const MAX_TAG = 2 ** 31;

interface PageRecord {
  readonly tag: number;
  /** SeqId, tag and number of changes of the record whose changes come before. */
  readonly before?: readonly [string, number, number];
  readonly names: readonly string[];
  /** Index of the name and encoded position. */
  readonly changes: readonly string[];
}

/**
 * The changes of pages that are too many for a cursor, in a Timeline of the device. A record is appended before its
 * page is handed out. Alone it changes nothing: only the acknowledgement of a cursor makes its changes count.
 */
export class PageRecords<M> {
  readonly #timeline: Timeline<Stored<M>>;
  readonly #beforeAppend: () => Promise<void>;
  readonly #canTrim: boolean;
  readonly #maxBytes: number;

  /** `beforeAppend` is awaited before each record. */
  constructor(
    store: TimelineStore<Stored<M>>,
    user: string,
    device: string,
    beforeAppend: () => Promise<void> = async () => undefined,
  ) {
    const id: TimelineId = timelineOf.pages(user, device);
    const { trim, maxBodyBytes } = store.capabilities;
    this.#timeline = store.timeline(id);
    this.#beforeAppend = beforeAppend;
    this.#canTrim = trim;
    this.#maxBytes = Math.min(MAX_BYTES, maxBodyBytes / 4);
  }

  /**
   * Appends records of `earlier` changes and then those of a page. The returned function refers to the first `count`
   * changes of the page, and to all before them.
   */
  async append(
    before: RecordedChanges | undefined,
    earlier: readonly ConversationChange[],
    page: readonly ConversationChange[],
  ): Promise<(count: number) => RecordedChanges> {
    await this.#beforeAppend();
    const changes = [...earlier, ...page];
    const parts: { readonly start: number; readonly end: RecordedChanges }[] = [];
    for (let start = 0; start < changes.length || parts.length === 0; ) {
      const record = this.#recordOf(changes, start, parts.at(-1)?.end ?? before);
      const { seqId } = await this.#timeline.append({ kind: 'state', state: record });
      parts.push({ start, end: { seqId, tag: record.tag, count: record.changes.length } });
      start += record.changes.length;
      if (this.#canTrim && seqId % TRIM_EVERY === 0n) await this.#timeline.trim({ keepLast: KEPT_RECORDS });
    }
    return (count) => {
      const at = earlier.length + count;
      const { start, end } = parts.findLast((part) => part.start <= at) ?? (parts[0] as (typeof parts)[number]);
      return { ...end, count: at - start };
    };
  }

  #recordOf(changes: readonly ConversationChange[], start: number, before: RecordedChanges | undefined): PageRecord {
    const indices = new Map<string, number>();
    const encoded: string[] = [];
    let bytes = 0;
    for (let i = start; i < changes.length && bytes < this.#maxBytes; i++) {
      const [name, position] = changes[i] as ConversationChange;
      let index = indices.get(name);
      if (index === undefined) {
        index = indices.size;
        indices.set(name, index);
        bytes += Buffer.byteLength(JSON.stringify(name));
      }
      const text = `${index} ${encodePosition(position)}`;
      bytes += text.length;
      encoded.push(text);
    }
    return {
      tag: randomInt(MAX_TAG),
      ...(before && { before: [String(before.seqId), before.tag, before.count] }),
      names: [...indices.keys()],
      changes: encoded,
    };
  }

  /** Removes all records: cursors that refer to them are too old. */
  async clear(): Promise<void> {
    if (!this.#canTrim) return;
    const { firstSeqId, lastSeqId } = await this.#timeline.head();
    if (lastSeqId >= firstSeqId && lastSeqId > 0n) await this.#timeline.trim({ through: lastSeqId });
  }

  /**
   * Adds up a chain of records: the encoded position of each conversation. Throws `TIMELINE_INVALID_CURSOR` if one of
   * them was trimmed.
   */
  async read(recorded: RecordedChanges): Promise<Map<string, string>> {
    const chain: (readonly [conversation: string, position: string])[][] = [];
    for (let next: RecordedChanges | undefined = recorded; next; ) {
      const { names, changes, before }: PageRecord = await this.#get(next);
      chain.push(
        changes.slice(0, next.count).map((text) => {
          const end = text.indexOf(' ');
          return [names[Number(text.slice(0, end))] as string, text.slice(end + 1)];
        }),
      );
      next = before && { seqId: BigInt(before[0]), tag: before[1], count: before[2] };
    }
    return new Map(chain.reverse().flat());
  }

  async #get({ seqId, tag }: RecordedChanges): Promise<PageRecord> {
    const entry = await this.#timeline.get(seqId, lenient);
    const message = entry?.deleted ? undefined : entry?.message;
    const record = message?.kind === 'state' ? (message.state as PageRecord) : undefined;
    if (record?.tag === tag) return record;
    const reason = 'the positions of this page are not kept any more: pull again, and acknowledge a later page';
    throw new TimelineError('TIMELINE_INVALID_CURSOR', `cursor is too old: ${reason}`, { argument: 'cursor' });
  }
}
