import type { Appended, Write, WriteEntry } from '../adapter.js';
import { MAX_SEQ_ID } from '../cursor.js';
import { keyConflict, lastSeqIdConflict, seqIdConflict } from './contract-errors.js';

/** An idempotency key within its window. */
export interface KnownKey {
  /** SeqId of the first entry that had it. */
  readonly seqId: bigint;
  /** Hash of that entry's message; `''` if it has none. */
  readonly hash: string;
}

/** The decision on one write. */
export interface Plan {
  /** The outcome of each entry, in the order of the write. */
  readonly appended: readonly Appended[];
  /** The entries to store, in order, with their SeqIds. Empty if all are duplicates. */
  readonly fresh: readonly { readonly seqId: bigint; readonly entry: WriteEntry }[];
}

/**
 * Decides a write for an adapter that numbers entries itself and holds the Timeline still meanwhile, by a transaction
 * or a lock: laws Idempotence, Expectation, Manual ids, Density and Atomic append, in the order that the contract
 * gives. Changes nothing.
 *
 * @param last The Timeline's last SeqId; `0n` if nothing was ever appended.
 * @param lookUp The key as the store knows it; `undefined` if it is unknown or older than the key window (see
 *   `cutoff`).
 * @throws `TIMELINE_KEY_CONFLICT` or `TIMELINE_CONFLICT`: the error is the outcome of this write, and of no other.
 *
 * @example
 * const { appended, fresh } = planWrite(write, head.last, (key) => keys.get(key));
 * for (const { seqId, entry } of fresh) insert(write.timeline, seqId, entry);
 * return { ok: true, epoch, entries: appended };
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
    if (known && known.hash !== hash) throw keyConflict(timeline, entry.key, known.seqId);
    if (known) {
      appended.push({ seqId: known.seqId, duplicate: true });
      continue;
    }
    const seqId = entry.seqId ?? top + 1n;
    if (seqId <= top || seqId > MAX_SEQ_ID) throw seqIdConflict(timeline, { chosen: seqId, last: top });
    top = seqId;
    if (entry.key !== undefined) {
      planned ??= new Map();
      planned.set(entry.key, { seqId, hash });
    }
    fresh.push({ seqId, entry });
    appended.push({ seqId, duplicate: false });
  }
  if (fresh.length > 0 && expectedLast !== undefined && expectedLast !== last)
    throw lastSeqIdConflict(timeline, { expected: expectedLast, last });
  return { appended, fresh };
}
