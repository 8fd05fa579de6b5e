import type { AdapterHead, Position } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';

/** The state of a Timeline as its meta key holds it: `epoch last at first firstAt floor flags lineage`. */
export interface State {
  readonly epoch: string;
  readonly last: bigint;
  /** Oldest entry that is neither trimmed nor expired; `last + 1n` if there is none. */
  readonly first: bigint;
  /** Everything up to here was trimmed or has expired. */
  readonly floor: bigint;
  /** Entries have expired that the floor does not yet tell of. */
  readonly unsettled: boolean;
  readonly lineage: readonly Position[] | undefined;
}

const NO_LINEAGE = undefined;
const NEVER_WRITTEN: State = { epoch: '', last: 0n, first: 1n, floor: 0n, unsettled: false, lineage: NO_LINEAGE };

/** Entries of `cutoff` and before have expired; it is below all times where there is no TTL. */
export function parseState(text: string | null | undefined, cutoff: number): State {
  if (text === null || text === undefined) return NEVER_WRITTEN;
  const [epoch, last, at, first, firstAt, floor, , lineage] = text.split(' ');
  if (lineage === undefined) throw new TimelineError('TIMELINE_UNAVAILABLE', 'the state of a Timeline is not readable');
  const top = seqId(last as string);
  const state = {
    epoch: epoch as string,
    last: top,
    first: seqId(first as string),
    floor: seqId(floor as string),
    unsettled: false,
    lineage: lineage === '-' ? NO_LINEAGE : lineage.split(',').map(parseAncestor),
  };
  if (state.first > top || Number(firstAt) > cutoff) return state;
  return Number(at) > cutoff ? { ...state, unsettled: true } : { ...state, first: top + 1n, floor: top };
}

function parseAncestor(text: string): Position {
  const colon = text.lastIndexOf(':');
  return { epoch: text.slice(0, colon), seqId: BigInt(text.slice(colon + 1)) };
}

export function headOf({ epoch, first, last, lineage }: State): AdapterHead {
  return { epoch, firstSeqId: first, lastSeqId: last, ancestors: lineage };
}

/** `BigInt` of a number is several times faster than of a string. */
export function seqId(digits: string): bigint {
  return digits.length < 16 ? BigInt(Number(digits)) : BigInt(digits);
}
