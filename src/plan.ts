import type { Appended, Write, WriteEntry } from './adapter.js';
import { MAX_SEQ_ID } from './cursor.js';
import { TimelineError } from './errors.js';

/** A remembered idempotency key. */
export interface KnownKey {
  /** SeqId of its first entry. */
  readonly seqId: bigint;
  /** Hash of its message; `''` if there is none. */
  readonly hash: string;
}

/** Decision about a write. */
export interface Plan {
  /** Outcome of each entry. */
  readonly appended: readonly Appended[];
  /** New entries in order, with their SeqIds. */
  readonly fresh: readonly { readonly seqId: bigint; readonly entry: WriteEntry }[];
}

/**
 * Decides a write for an adapter that assigns SeqIds itself while it holds the Timeline (a lock, a transaction).
 * Applies the laws Idempotence, Expectation, Manual ids, Density and Atomic append in the order of the contract.
 * Changes nothing; throws the error that is the write's outcome.
 *
 * @example
 * ```ts
 * const { appended, fresh } = planWrite(write, lastSeqId, (key) => keys.get(key));
 * for (const { seqId, entry } of fresh) insert(seqId, entry);
 * return { ok: true, epoch, entries: appended };
 * ```
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
