import type { Cursor, Page, Timeline } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { invisibleError } from './outbox-errors.js';

const PAGE = 100;
const VISIBILITY_PAUSE_MS = 20;
/** Reads in a row that may miss an entry which the store has acknowledged. */
const MAX_INVISIBLE_READS = 250;

/** Reads the Timeline of a conversation for its outbox. */
export class OutboxReader<M> {
  readonly #conversation: string;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #closing: AbortSignal;
  #invisibleReads = 0;

  constructor(conversation: string, timeline: Timeline<Stored<M>>, closing: AbortSignal) {
    this.#conversation = conversation;
    this.#timeline = timeline;
    this.#closing = closing;
  }

  async read(after: bigint): Promise<Page<Stored<M>>> {
    const page = await this.#timeline.read({ after, limit: PAGE, ...lenient });
    if (page.entries.length > 0) this.#invisibleReads = 0;
    return page;
  }

  /** Returns the cursor of an entry that is gone. */
  async cursorAt(seqId: bigint): Promise<Cursor> {
    const { next } = await this.#timeline.read({ after: seqId, before: seqId + 1n, limit: 1, ...lenient });
    return next;
  }

  /** Pauses before the next read for an entry that the store counts and does not show yet. Rejects after too many. */
  async awaitVisibility(seqId: bigint): Promise<void> {
    if (++this.#invisibleReads > MAX_INVISIBLE_READS) throw invisibleError(this.#conversation, seqId);
    await pause(VISIBILITY_PAUSE_MS, { signal: this.#closing });
  }
}
