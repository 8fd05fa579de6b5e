/**
 * The state of a Timeline as its key holds it, in one string:
 * `at last keysPeriod epoch first firstAt floor flags lineage`. `timeline-state.lua` reads and writes the same text in
 * Lua; docs/redis.md explains the fields.
 */
import type { AdapterHead, LibraryClock, Position } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';

/** Digits of `at`, which has zeros in front. The same as in Lua. */
export const AT_WIDTH = 16;

/** Characters of `keysPeriod`. The same as in Lua. */
export const PERIOD_WIDTH = 8;

/** A Timeline with a larger body has the flag `l`. The same as in Lua. */
export const LARGE_BODY_BYTES = 8 * 1024;

/** The fields of the text by their index. */
const EPOCH = 3;
const FIRST = 4;
const FLOOR = 6;
const FLAGS = 7;

/** A state at one time, without the entries that have expired by then. */
export interface VisibleState extends AdapterHead {
  /** Everything up to here was trimmed, has expired or was lost. */
  readonly floor: bigint;
  /** Only the entries themselves tell what has expired: retention has to be applied first. */
  readonly needsRetention: boolean;
}

export const NEVER_WRITTEN: VisibleState = {
  epoch: '',
  firstSeqId: 1n,
  lastSeqId: 0n,
  ancestors: undefined,
  floor: 0n,
  needsRetention: false,
};

export class TimelineState {
  /** Some bodies, or versions of them, may be large. */
  readonly hasLargeBodies: boolean;
  /** Some entries may have versions in the overlay. */
  readonly hasVersions: boolean;
  /** The time of the last entry. */
  readonly #lastAt: number;
  /** The time of the first entry, or an earlier one. */
  readonly #firstAt: number;
  readonly #state: VisibleState;

  /** `TIMELINE_UNAVAILABLE` if the text is none. */
  constructor(readonly text: string) {
    const [at, last, , epoch, first, firstAt, floor, flags, lineage] = text.split(' ');
    if (lineage === undefined)
      throw new TimelineError('TIMELINE_UNAVAILABLE', 'the state of a Timeline is not readable');
    this.hasLargeBodies = flags?.includes('l') === true;
    this.hasVersions = flags?.includes('u') === true;
    this.#lastAt = Number(at);
    this.#firstAt = Number(firstAt);
    this.#state = {
      epoch: epoch as string,
      firstSeqId: toSeqId(first as string),
      lastSeqId: toSeqId(last as string),
      ancestors: lineage === '-' ? undefined : lineage.split(',').map(parseAncestor),
      floor: toSeqId(floor as string),
      needsRetention: false,
    };
  }

  get lastSeqId(): bigint {
    return this.#state.lastSeqId;
  }

  /**
   * The state without what has expired: entries of `cutoff` and before, `-Infinity` if there is no TTL. Times above
   * `latest` are of the future.
   */
  visibleAt(cutoff: number, latest: number): VisibleState {
    const state = this.#state;
    const { firstSeqId, lastSeqId } = state;
    if (firstSeqId > lastSeqId || cutoff === Number.NEGATIVE_INFINITY) return state;
    if (this.#firstAt > latest) return { ...state, needsRetention: true };
    if (this.#firstAt > cutoff) return state;
    if (this.#lastAt > cutoff) return { ...state, needsRetention: true };
    return { ...state, firstSeqId: lastSeqId + 1n, floor: lastSeqId };
  }
}

export function lastIn(text: string): string {
  return text.slice(AT_WIDTH + 1, text.indexOf(' ', AT_WIDTH + 1));
}

/** The epoch of a state, without parsing the rest. */
export function epochIn(text: string): string {
  const start = text.indexOf(' ', AT_WIDTH + 1) + PERIOD_WIDTH + 2;
  return text.slice(start, text.indexOf(' ', start));
}

/** The time of the last entry of a state; the present time if that is of the future. */
export function lastTimeIn(text: string, clock: LibraryClock): number {
  const at = Number(text.slice(0, AT_WIDTH));
  return clock.isFuture(at) ? clock.entryTime() : at;
}

/** True if nothing but appends lies between two states, and the Timeline has neither an overlay nor large bodies. */
export function differByAppends(before: string, after: string): boolean {
  const [one, two] = [before.split(' '), after.split(' ')];
  return one[FLAGS] === '-' && [EPOCH, FIRST, FLOOR, FLAGS].every((field) => one[field] === two[field]);
}

export function headOf({ epoch, firstSeqId, lastSeqId, ancestors }: AdapterHead): AdapterHead {
  return { epoch, firstSeqId, lastSeqId, ancestors };
}

/** `BigInt` of a number is several times faster than of a string. */
export function toSeqId(digits: string): bigint {
  return digits.length < 16 ? BigInt(Number(digits)) : BigInt(digits);
}

function parseAncestor(text: string): Position {
  const colon = text.lastIndexOf(':');
  return { epoch: text.slice(0, colon), seqId: BigInt(text.slice(colon + 1)) };
}
