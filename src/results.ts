import { plainFields } from './json.js';
import type { AppendResult, Cursor } from './types.js';

/** Result of an append. A class, because a method of its prototype costs an append nothing. */
export class Appended implements AppendResult {
  readonly seqId: bigint;
  readonly cursor: Cursor;
  readonly duplicate: boolean;

  constructor(seqId: bigint, cursor: Cursor, duplicate: boolean) {
    this.seqId = seqId;
    this.cursor = cursor;
    this.duplicate = duplicate;
  }

  toJSON(): unknown {
    return plainFields(this);
  }
}

/** Outcome of an append of a batch that succeeded. */
export class BatchAppended {
  readonly ok = true;
  readonly seqId: bigint;
  readonly duplicate: boolean;

  constructor(seqId: bigint, duplicate: boolean) {
    this.seqId = seqId;
    this.duplicate = duplicate;
  }

  toJSON(): unknown {
    return plainFields(this);
  }
}
