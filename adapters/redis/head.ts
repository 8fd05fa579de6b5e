import type { AdapterHead, LibraryClock, Position } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { TIME_WIDTH } from './scripts/state.js';

export interface State extends AdapterHead {
  /** Everything up to here was trimmed or has expired. */
  readonly floor: bigint;
  /** Entries have expired that the floor does not yet tell of. */
  readonly unsettled: boolean;
}

export const NEVER_WRITTEN: State = {
  epoch: '',
  firstSeqId: 1n,
  lastSeqId: 0n,
  ancestors: undefined,
  floor: 0n,
  unsettled: false,
};

/** The state of a Timeline as its meta key holds it: `last at epoch first firstAt floor flags lineage`. */
export class StateText {
  /** The time of the last entry. */
  readonly at: number;
  /** Some bodies, or versions of them, may be large. */
  readonly isLarge: boolean;
  readonly #firstAt: number;
  readonly #state: State;

  constructor(readonly text: string) {
    const [last, at, epoch, first, firstAt, floor, flags, lineage] = text.split(' ');
    if (lineage === undefined)
      throw new TimelineError('TIMELINE_UNAVAILABLE', 'the state of a Timeline is not readable');
    this.at = Number(at);
    this.isLarge = flags?.includes('l') === true;
    this.#firstAt = Number(firstAt);
    this.#state = {
      epoch: epoch as string,
      firstSeqId: seqId(first as string),
      lastSeqId: seqId(last as string),
      ancestors: lineage === '-' ? undefined : lineage.split(',').map(parseAncestor),
      floor: seqId(floor as string),
      unsettled: false,
    };
  }

  get last(): bigint {
    return this.#state.lastSeqId;
  }

  /**
   * Entries of `cutoff` and before have expired; it is below all times where there is no TTL. Times above `latest` are
   * not to be believed.
   */
  asOf(cutoff: number, latest: number): State {
    const state = this.#state;
    const { firstSeqId, lastSeqId } = state;
    if (firstSeqId > lastSeqId || cutoff === Number.NEGATIVE_INFINITY) return state;
    if (this.#firstAt > latest) return { ...state, unsettled: true };
    if (this.#firstAt > cutoff) return state;
    if (this.at > cutoff) return { ...state, unsettled: true };
    return { ...state, firstSeqId: lastSeqId + 1n, floor: lastSeqId };
  }
}

/** The epoch of a state, without reading the rest. */
export function epochIn(text: string): string {
  const start = text.indexOf(' ') + TIME_WIDTH + 2;
  return text.slice(start, text.indexOf(' ', start));
}

/** The time of the last entry of a state, or the present one if that lies in the future. */
export function timeIn(text: string, clock: LibraryClock): number {
  const start = text.indexOf(' ') + 1;
  const at = Number(text.slice(start, start + TIME_WIDTH));
  return clock.isFuture(at) ? clock.entryTime() : at;
}

function parseAncestor(text: string): Position {
  const colon = text.lastIndexOf(':');
  return { epoch: text.slice(0, colon), seqId: BigInt(text.slice(colon + 1)) };
}

export function headOf({ epoch, firstSeqId, lastSeqId, ancestors }: State): AdapterHead {
  return { epoch, firstSeqId, lastSeqId, ancestors };
}

/** `BigInt` of a number is several times faster than of a string. */
export function seqId(digits: string): bigint {
  return digits.length < 16 ? BigInt(Number(digits)) : BigInt(digits);
}
