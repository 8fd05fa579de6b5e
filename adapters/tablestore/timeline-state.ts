import type { KeyPart } from './service/values.js';

/** The oldest entry that readers get, as it was found. */
export interface Front {
  /** The highest id known to be trimmed or expired; 0n if there is none. */
  readonly gone: bigint;
  /** Undefined if nothing is left. */
  readonly first: { readonly seqId: bigint; readonly rowId: bigint; readonly at: number } | undefined;
  readonly foundAt: number;
}

/** What one handle knows of a Timeline. All of it may be behind, none of it is ever ahead. */
export class TimelineState {
  /** The highest SeqId seen; 0n: none. */
  last = 0n;
  lastAt = 0;
  front: Front | undefined;
  /** Its row in the directory has been written. */
  listed = false;
  readonly turn: Turn = {
    until: 0,
    ms: 0,
    endedAt: 0,
    streak: 0,
    lookedAt: 0,
    othersAt: Number.NEGATIVE_INFINITY,
    isAsking: false,
    hasNote: false,
  };
  #places = new Map<bigint, Place>();
  #settled = 0n;
  /** An id and when it was seen; and the same for the newest. */
  #ripening: { readonly seqId: bigint; readonly at: number } | undefined;
  #newest: { readonly seqId: bigint; readonly at: number } | undefined;

  constructor(
    readonly timeline: string,
    /** Key columns, without that of the sequence. */
    readonly key: readonly KeyPart[],
    private readonly settleMs: number,
  ) {}

  /** The Timeline has an entry with this id and time. */
  saw(seqId: bigint, at: number): void {
    if (seqId > this.last) {
      this.last = seqId;
      this.lastAt = Math.max(this.lastAt, at);
    }
    this.#ripen();
    if (seqId <= this.#settled || (this.#newest && seqId <= this.#newest.seqId)) return;
    this.#newest = { seqId, at: performance.now() };
    this.#ripening ??= this.#newest;
  }

  /** No smaller id can appear any more. */
  isSettled(seqId: bigint): boolean {
    this.#ripen();
    return seqId <= this.#settled;
  }

  settled(seqId: bigint): void {
    if (seqId > this.#settled) this.#settled = seqId;
  }

  /** Milliseconds until no id below this one, which has been seen, can appear any more. */
  settlesIn(seqId: bigint): number {
    const seen = [this.#ripening, this.#newest].find((each) => each && each.seqId >= seqId);
    return seen ? Math.max(0, Math.ceil(seen.at + this.settleMs - performance.now())) : this.settleMs;
  }

  #ripen(): void {
    while (this.#ripening && performance.now() >= this.#ripening.at + this.settleMs) {
      this.settled(this.#ripening.seqId);
      this.#ripening = this.#newest && this.#newest.seqId > this.#settled ? this.#newest : undefined;
    }
  }

  /** Where an entry stands, if that is known: the last few that readers and writers came to. */
  placeOf(seqId: bigint): Place | undefined {
    return this.#places.get(seqId);
  }

  /** `at`: the time that readers are given for it. */
  placed(seqId: bigint, rowId: bigint, at: number): void {
    this.#places.delete(seqId);
    this.#places.set(seqId, { rowId, at });
    if (this.#places.size > 4) this.#places.delete(this.#places.keys().next().value as bigint);
  }
}

/** Of a writer among others on this Timeline; times of `performance.now()`. */
export interface Turn {
  /** Others go first until then, */
  until: number;
  /** which is so long. */
  ms: number;
  /** When the last put of this handle ended, and how many came close behind each other. */
  endedAt: number;
  streak: number;
  /** When it was asked last whether somebody waits, and when others were met last. */
  lookedAt: number;
  othersAt: number;
  /** The last put asked. */
  isAsking: boolean;
  /** This handle has left a note that it waits. */
  hasNote: boolean;
}

interface Place {
  readonly rowId: bigint;
  readonly at: number;
}
