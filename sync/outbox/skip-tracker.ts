import type { TimelineEntry } from '../../src/index.js';
import { isCounted, isListed } from '../shared/message-kinds.js';
import type { Skip } from '../shared/skip-index.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Entries without a counted message, after which the skip index gets a record. */
const ENTRIES_PER_RECORD = 256;

type Visited = Pick<TimelineEntry<Stored<unknown>>, 'seqId' | 'message' | 'deleted'>;

/** Counts the entries behind the last message of a conversation while the fan-out passes them in order. */
export class SkipTracker {
  #uncounted = 0;
  #counted = 0n;
  #listed = 0n;
  #through = 0n;

  /** The next entry follows `seqId`; nothing is known of those before it. */
  start(seqId: bigint): void {
    this.#uncounted = 0;
    this.#counted = seqId;
    this.#listed = seqId;
    this.#through = seqId;
  }

  /** Returns `true` if the index gets a record once the entry, which comes next, was processed. */
  isDueAfter(entry: Visited): boolean {
    return !endsStretch(entry) && (this.#uncounted + 1) % ENTRIES_PER_RECORD === 0;
  }

  /** Returns the record for a due entry. */
  skipThrough({ seqId, message, deleted, appendedAt }: TimelineEntry<Stored<unknown>>): Skip {
    const listed = isListed({ message, deleted }) ? seqId : this.#listed;
    return { through: seqId, at: appendedAt, counted: this.#counted, listed };
  }

  visit(entry: Visited): void {
    if (entry.seqId <= this.#through) return;
    this.#through = entry.seqId;
    if (isListed(entry)) this.#listed = entry.seqId;
    if (endsStretch(entry)) {
      this.#counted = entry.seqId;
      this.#uncounted = 0;
    } else this.#uncounted++;
  }
}

/** Another process may be able to decode what this one cannot. */
function endsStretch(entry: Visited): boolean {
  return isCounted(entry) || (!entry.deleted && isUndecodable(entry.message));
}
