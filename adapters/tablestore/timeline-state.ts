import type { KeyPart } from './service/values.js';

/** How long a remembered end of a Timeline is good enough for a page: other processes append and trim. */
const REMEMBERED_MS = 60_000;

/** Where an entry is stored. */
export interface EntryPosition {
  readonly seqId: bigint;
  /** Id of the row that holds the entry: the entry's own, unless the row holds several. */
  readonly rowId: bigint;
  /** Milliseconds since 1970, as readers get it. */
  readonly at: number;
}

/** The old end of a Timeline. */
export interface TimelineStart {
  /** The highest id known to be trimmed or expired; 0n: none. */
  readonly removedThrough: bigint;
  /** The oldest entry that readers get; `undefined` if none is left. */
  readonly firstReadable: EntryPosition | undefined;
  /** When it was read or confirmed, on the clock of `performance.now()`. */
  readonly readAt: number;
}

/** Both ends of a Timeline as this handle last saw them. They may be behind the table, never ahead. */
export class TimelineBounds {
  /** The highest SeqId seen; 0n: none. */
  last = 0n;
  /** The latest time of an entry up to `last`. */
  lastAt = 0;
  /** When `last`, or an earlier one, was seen to be the Timeline's. */
  #tailSeenAt = Number.NEGATIVE_INFINITY;
  /** Undefined until it is read. */
  #start: TimelineStart | undefined;
  /** No entry up to here is readable any more. */
  #unreadableThrough = 0n;

  get start(): TimelineStart | undefined {
    return this.#start;
  }

  /** True if nobody has to look for a later tail, for a page. */
  get isTailRecent(): boolean {
    return performance.now() - this.#tailSeenAt < REMEMBERED_MS;
  }

  /** The start if it was read or confirmed within a minute. */
  get isStartRecent(): boolean {
    return this.#start !== undefined && performance.now() - this.#start.readAt < REMEMBERED_MS;
  }

  get removedThrough(): bigint {
    return this.#start?.removedThrough ?? 0n;
  }

  /** Where to look for the first readable entry: nothing before it is readable. */
  get firstReadable(): EntryPosition | undefined {
    return this.#start?.firstReadable;
  }

  /** The first readable entry, unless it was removed since. */
  get firstNotRemoved(): EntryPosition | undefined {
    const first = this.firstReadable;
    return first && first.seqId > this.#unreadableThrough ? first : undefined;
  }

  raiseLast(seqId: bigint, at: number): void {
    if (seqId <= this.last) return;
    this.last = seqId;
    this.lastAt = Math.max(this.lastAt, at);
  }

  /** `last` was just seen to be the last SeqId. */
  sawTail(): void {
    this.#tailSeenAt = performance.now();
  }

  setStart({ removedThrough, firstReadable }: Omit<TimelineStart, 'readAt'>): void {
    // A trim may have overtaken the read that found it.
    if (firstReadable && firstReadable.seqId <= this.#unreadableThrough) return;
    // Not the entry itself, which would keep its body in memory.
    const first = firstReadable && positionOf(firstReadable);
    this.#start = { removedThrough, firstReadable: first, readAt: performance.now() };
  }

  /** No entry up to `through` is readable any more. */
  raiseUnreadable(through: bigint): void {
    if (through > this.#unreadableThrough) this.#unreadableThrough = through;
  }

  /** Entries may be readable again. */
  forgetStart(): void {
    this.#start = undefined;
    this.#unreadableThrough = 0n;
  }
}

function positionOf({ seqId, rowId, at }: EntryPosition): EntryPosition {
  return { seqId, rowId, at };
}

interface SeenId {
  readonly seqId: bigint;
  readonly seenAt: number;
}

/** How far no smaller id can appear any more: `settleMs` after an id was first seen, it is settled. */
export class SettledIds {
  readonly #settleMs: number;
  #through = 0n;
  #oldestWaiting: SeenId | undefined;
  #newest: SeenId | undefined;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  saw(seqId: bigint): void {
    this.#advance();
    if (seqId <= this.#through || (this.#newest && seqId <= this.#newest.seqId)) return;
    this.#newest = { seqId, seenAt: performance.now() };
    this.#oldestWaiting ??= this.#newest;
  }

  /** The highest id that is settled now. */
  get through(): bigint {
    this.#advance();
    return this.#through;
  }

  includes(seqId: bigint): boolean {
    return seqId <= this.through;
  }

  raise(seqId: bigint): void {
    if (seqId > this.#through) this.#through = seqId;
  }

  /** Milliseconds until an id that was seen is settled. */
  waitFor(seqId: bigint): number {
    const seen = [this.#oldestWaiting, this.#newest].find((each) => each && each.seqId >= seqId);
    return seen ? Math.max(0, Math.ceil(seen.seenAt + this.#settleMs - performance.now())) : this.#settleMs;
  }

  #advance(): void {
    while (this.#oldestWaiting && performance.now() >= this.#oldestWaiting.seenAt + this.#settleMs) {
      this.raise(this.#oldestWaiting.seqId);
      this.#oldestWaiting = this.#newest && this.#newest.seqId > this.#through ? this.#newest : undefined;
    }
  }
}

/** One writer among others of a Timeline; times of `performance.now()`. See `WriterFairness`. */
class FairnessState {
  /** Others go first until then. */
  yieldUntil = 0;
  yieldMs = 0;
  lastPutEndedAt = 0;
  /** Puts in close succession. */
  streak = 0;
  checkedAt = 0;
  lastContendedAt = Number.NEGATIVE_INFINITY;
  /** The put under way checks for notes of waiting writers. */
  isChecking = false;
  /** This handle has left a note that it waits. */
  hasNote = false;
}

const MAX_POSITIONS = 4;

/** Everything that one handle remembers of a Timeline. */
export class TimelineState {
  readonly timeline: string;
  /** Key columns without the sequence column. */
  readonly key: readonly KeyPart[];
  readonly bounds = new TimelineBounds();
  readonly settled: SettledIds;
  /** Its row in the meta table exists. */
  isRegistered = false;
  readonly fairness = new FairnessState();
  readonly #positions = new Map<bigint, EntryPosition>();

  constructor(timeline: string, key: readonly KeyPart[], settleMs: number) {
    this.timeline = timeline;
    this.key = key;
    this.settled = new SettledIds(settleMs);
  }

  /** The Timeline has an entry with this id and time. */
  sawEntry(seqId: bigint, at: number): void {
    this.bounds.raiseLast(seqId, at);
    this.settled.saw(seqId);
  }

  /** The same, and there was none behind it. */
  sawLastEntry(seqId: bigint, at: number): void {
    this.sawEntry(seqId, at);
    this.bounds.sawTail();
  }

  /** One of the few entries that readers and writers came to last. */
  positionOf(seqId: bigint): EntryPosition | undefined {
    return this.#positions.get(seqId);
  }

  rememberPosition(entry: EntryPosition): void {
    this.#positions.delete(entry.seqId);
    this.#positions.set(entry.seqId, positionOf(entry));
    if (this.#positions.size > MAX_POSITIONS) this.#positions.delete(this.#positions.keys().next().value as bigint);
  }
}
