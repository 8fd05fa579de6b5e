import type { Appended, Write, WriteEntry } from './adapter.js';
import { MAX_SEQ_ID } from './cursor.js';
import { TimelineError } from './errors.js';

/** An idempotency key that is remembered: its first entry, and the hash of the message. */
export interface KnownKey {
  readonly seqId: bigint;
  readonly hash: string;
}

/** A write, decided: an outcome for each entry, and the entries that are new, in order, with their ids. */
export interface Plan {
  readonly appended: readonly Appended[];
  readonly fresh: readonly { readonly seqId: bigint; readonly entry: WriteEntry }[];
}

/**
 * Decides a write for adapters that number entries themselves while they hold the Timeline: laws Idempotence,
 * Expectation, Manual ids, Density and Atomic append, in the order that the contract gives. Changes nothing; throws the
 * error that is the write's outcome.
 */
export function planWrite(write: Write, last: bigint, lookUp: (key: string) => KnownKey | undefined): Plan {
  const { timeline, expectedLast } = write;
  const appended: Appended[] = [];
  const fresh: { seqId: bigint; entry: WriteEntry }[] = [];
  let planned: Map<string, KnownKey> | undefined;
  let top = last;
  for (const entry of write.entries) {
    const hash = entry.payload.hash ?? '';
    const known = entry.key === undefined ? undefined : (planned?.get(entry.key) ?? lookUp(entry.key));
    if (known && known.hash !== hash) {
      const message = `the key ${JSON.stringify(entry.key)} was used for another message, entry ${known.seqId}`;
      throw new TimelineError('TIMELINE_KEY_CONFLICT', message, { timeline, actual: known.seqId });
    }
    if (known) {
      appended.push({ seqId: known.seqId, duplicate: true });
      continue;
    }
    const seqId = entry.seqId ?? top + 1n;
    if (seqId <= top || seqId > MAX_SEQ_ID) {
      const message = `SeqId ${seqId} does not follow ${top}, the last one`;
      throw new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: seqId, actual: top });
    }
    top = seqId;
    if (entry.key !== undefined) {
      planned ??= new Map();
      planned.set(entry.key, { seqId, hash });
    }
    fresh.push({ seqId, entry });
    appended.push({ seqId, duplicate: false });
  }
  if (fresh.length > 0 && expectedLast !== undefined && expectedLast !== last) {
    const message = `expected ${expectedLast} to be the last SeqId; it is ${last}`;
    throw new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: expectedLast, actual: last });
  }
  return { appended, fresh };
}
