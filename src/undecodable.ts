import type { Body } from './adapter.js';
import type { TimelineError } from './errors.js';
import type { Cursor, TimelineId } from './types.js';

/**
 * What becomes of an entry whose body does not decode. `throw`: what comes before it is handed over, then
 * `TIMELINE_DECODE`; reading on `after` the error's `cursor` (in reverse: `before` it) passes it by. `skip`: it is left
 * out. A function's result becomes its message.
 */
export type OnUndecodable<M> = 'throw' | 'skip' | ((entry: UndecodableEntry) => M);

/** All that is known of an entry whose body does not decode. */
export interface UndecodableEntry {
  readonly timeline: TimelineId;
  readonly seqId: bigint;
  readonly cursor: Cursor;
  readonly key?: string;
  readonly appendedAt: number;
  readonly revision: number;
  /** As it is stored. */
  readonly body: Body;
  /** `TIMELINE_DECODE`, with what the codec threw as `cause`. */
  readonly error: TimelineError;
}

/** For one call, instead of what was said when the store was opened. */
export interface Decoding<M> {
  readonly onUndecodable?: OnUndecodable<M> | undefined;
}
