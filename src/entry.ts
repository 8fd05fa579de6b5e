import type { AdapterHead, Row } from './adapter.js';
import { encodeCursor } from './cursor.js';
import { plain, plainFields } from './json.js';
import type { TimelineRef } from './timeline-id.js';
import type { Cursor, Head, TimelineEntry, TimelineId } from './types.js';

/** A row and its message. Makes the cursor on demand, because most readers need only the page's. */
export class Entry<M> implements TimelineEntry<M> {
  readonly seqId: bigint;
  readonly message: M;
  declare readonly key?: string;
  readonly appendedAt: number;
  readonly revision: number;
  readonly deleted: boolean;
  readonly #ref: TimelineRef;
  readonly #epoch: string;

  constructor(ref: TimelineRef, epoch: string, row: Row, message: M) {
    this.#ref = ref;
    this.#epoch = epoch;
    this.seqId = row.seqId;
    this.deleted = row.body === undefined;
    this.message = message;
    if (row.key !== undefined) this.key = row.key;
    this.appendedAt = row.appendedAt;
    this.revision = row.revision;
  }

  get timeline(): TimelineId {
    return this.#ref.id;
  }

  get cursor(): Cursor {
    return encodeCursor(this.#ref, this.#epoch, this.seqId);
  }

  toJSON(): unknown {
    const { timeline, seqId, cursor, message, key, appendedAt, revision, deleted } = this;
    return plain({ timeline, seqId, cursor, message, key, appendedAt, revision, deleted });
  }
}

export class TimelineHead implements Head {
  readonly timeline: TimelineId;
  readonly epoch: string;
  readonly firstSeqId: bigint;
  readonly lastSeqId: bigint;
  declare readonly ancestors?: NonNullable<Head['ancestors']>;

  constructor(ref: TimelineRef, head: AdapterHead) {
    this.timeline = ref.id;
    this.epoch = head.epoch;
    this.firstSeqId = head.firstSeqId;
    this.lastSeqId = head.lastSeqId;
    if (head.ancestors && head.ancestors.length > 0) this.ancestors = head.ancestors;
  }

  toJSON(): unknown {
    return plainFields(this);
  }
}
