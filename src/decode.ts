import type { Row } from './adapter.js';
import { encodeCursor } from './cursor.js';
import { Entry } from './entry.js';
import { invalidArgument, reasonOf, TimelineError } from './errors.js';
import { withJson } from './json.js';
import { describeValue } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Codec } from './types.js';
import type { OnUndecodable } from './undecodable.js';
import { disregard, isThenable } from './user-code.js';

/** Codec and error handling of one call. */
export interface Decoder<M> {
  readonly codec: Codec<M>;
  readonly onUndecodable: OnUndecodable<M>;
}

export function checkOnUndecodable<T>(value: T): T {
  if (value === undefined || value === 'throw' || value === 'skip' || typeof value === 'function') return value;
  throw invalidArgument('onUndecodable', `must be 'throw', 'skip' or a function, not ${describeValue(value)}`);
}

/** Returns `undefined` for an entry to skip; throws `TIMELINE_DECODE` if its body does not decode. */
export function decodeRow<M>(ref: TimelineRef, epoch: string, row: Row, decoder: Decoder<M>): Entry<M> | undefined {
  if (row.body === undefined) return new Entry(ref, epoch, row, undefined as M);
  let cause: unknown;
  try {
    const message = decoder.codec.decode(row.body);
    if (!isThenable(message)) return new Entry(ref, epoch, row, message);
    disregard(message);
    cause = new TypeError('the codec decoded it to a promise; decode must be synchronous');
  } catch (thrown) {
    cause = thrown;
  }
  return pastUndecodable(ref, epoch, row, decoder.onUndecodable, undecodable(ref, epoch, row, cause));
}

function undecodable(ref: TimelineRef, epoch: string, { seqId }: Row, cause: unknown, who = ''): TimelineError {
  const message = `entry ${seqId} of ${describeValue(ref.encoded)} cannot be decoded: ${who}${reasonOf(cause)}`;
  const cursor = encodeCursor(ref, epoch, seqId);
  return new TimelineError('TIMELINE_DECODE', message, { cause, timeline: ref.encoded, actual: seqId, cursor });
}

function pastUndecodable<M>(
  ref: TimelineRef,
  epoch: string,
  row: Row,
  onUndecodable: OnUndecodable<M>,
  error: TimelineError,
): Entry<M> | undefined {
  if (onUndecodable === 'throw') throw error;
  if (onUndecodable === 'skip') return undefined;
  const { seqId, key, appendedAt, revision } = row;
  const body = row.body as NonNullable<Row['body']>;
  const cursor = encodeCursor(ref, epoch, seqId);
  let message: M;
  try {
    const entry = { timeline: ref.id, seqId, cursor, appendedAt, revision, body, error };
    message = onUndecodable(withJson({ ...entry, ...(key !== undefined && { key }) }));
  } catch (thrown) {
    throw thrown === error ? error : undecodable(ref, epoch, row, thrown, 'onUndecodable failed: ');
  }
  if (!isThenable(message)) return new Entry(ref, epoch, row, message);
  disregard(message);
  throw undecodable(ref, epoch, row, new TypeError('onUndecodable answered with a promise; it must be synchronous'));
}

/** Decodes an updated entry, which is stored even if it does not decode. */
export function decodeUpdated<M>(ref: TimelineRef, epoch: string, row: Row, codec: Codec<M>): Entry<M> {
  try {
    return decodeRow(ref, epoch, row, { codec, onUndecodable: 'throw' }) as Entry<M>;
  } catch (error) {
    const { message, cause, timeline, actual, cursor } = error as TimelineError;
    throw new TimelineError('TIMELINE_DECODE', message, { cause, timeline, actual, cursor, outcome: 'applied' });
  }
}
