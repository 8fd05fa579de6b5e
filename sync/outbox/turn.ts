import { type Cursor, epochOf, seqIdOf, type Timeline } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { resumeAfter } from '../shared/fan-out-positions.js';
import type { Stored } from '../types.js';
import type { PositionPoller } from './position-poller.js';

/** Added to the patience: one second for 10,000 recipients. */
const MS_PER_RECIPIENT = 0.1;

/** An entry, or the last of those that are gone. */
export interface PendingEntry {
  readonly seqId: bigint;
  readonly cursor: Cursor;
}

export interface AwaitOptions {
  /** Run at once what another process has not delivered yet. */
  readonly mustRun: boolean;
  /** Of the last fan-out: a large one takes its time. */
  readonly recipients: number;
}

/**
 * Decides which process does the next run of a conversation: the one that appended the first pending entry. The others
 * wait for the fan-out position to move, and take over once it has stood still for longer than their patience. This
 * saves work only: safety never depends on it.
 */
export class Turn<M> {
  readonly #context: Context<M>;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #conversation: string;
  readonly #poller: PositionPoller<M>;
  /** Milliseconds for which a process that appended counts as still there. */
  readonly #companyMs: number;
  readonly #appendedHere = new Set<bigint>();
  /** The newest position read. Other processes have delivered everything up to it. */
  #position: Cursor | undefined;
  #takenOverThrough = 0n;
  #awaited: bigint | undefined;
  #metOthersAt = Number.NEGATIVE_INFINITY;

  constructor(context: Context<M>, conversation: string, poller: PositionPoller<M>, companyMs: number) {
    this.#context = context;
    this.#conversation = conversation;
    this.#timeline = context.store.timeline(conversation);
    this.#poller = poller;
    this.#companyMs = companyMs;
  }

  /** `true` if other processes have appended to the conversation lately. */
  get isInCompany(): boolean {
    return performance.now() - this.#metOthersAt < this.#companyMs;
  }

  isAppendedHere(seqId: bigint): boolean {
    return this.#appendedHere.has(seqId);
  }

  /** An append has been acknowledged. Its entry may be on a page already, and be taken for one of another process. */
  addAppended(seqId: bigint): void {
    this.#appendedHere.add(seqId);
    if (seqId === this.#awaited) this.#poller.interrupt(this.#conversation);
  }

  deleteAppended(seqId: bigint): void {
    this.#appendedHere.delete(seqId);
  }

  deleteAppendedThrough(seqId: bigint): void {
    for (const each of this.#appendedHere) if (each <= seqId) this.#appendedHere.delete(each);
  }

  meetOthers(): void {
    this.#metOthersAt = performance.now();
  }

  /** From now on, entries up to here are run at once. */
  takeOverThrough(seqId: bigint): void {
    if (seqId > this.#takenOverThrough) this.#takenOverThrough = seqId;
    this.#poller.interrupt(this.#conversation);
  }

  /**
   * Resolves with `undefined` once this process has to run the entry, the first that is pending; with the fan-out
   * position once another process has delivered it.
   */
  async await(entry: PendingEntry, options: AwaitOptions): Promise<bigint | undefined> {
    const { seqId } = entry;
    // Read for an earlier entry: the run of another process may have gone beyond what this one knew of then.
    const known = this.#knownAt(entry);
    if (known >= seqId) return known;
    if (this.#isOurs(seqId)) return undefined;
    const [cursor] = await this.#context.fanOutPositions.get([this.#conversation]);
    if (this.#isOurs(seqId)) return undefined;
    this.meetOthers();
    const position = await this.#positionAt(entry, cursor);
    if (position >= seqId) return position;
    if (options.mustRun) return undefined;
    this.#awaited = seqId;
    const moved = await this.#poller.movedBeyond(seqId - 1n, this.#conversation, this.#patienceMs(options));
    this.#awaited = undefined;
    const movedTo = await this.#positionAt(entry, moved);
    return movedTo >= seqId ? movedTo : undefined;
  }

  /**
   * Resolves once another process has passed entries that are gone, up to this one, or the patience has run out: a
   * process that read them before has the time to write their copies. Nothing cuts it short but closing.
   */
  async awaitLost(entry: PendingEntry, recipients: number): Promise<void> {
    const { closing } = this.#context;
    const end = performance.now() + this.#patienceMs({ recipients });
    for (let rest = end - performance.now(); rest > 0 && !closing.aborted; rest = end - performance.now()) {
      const moved = await this.#poller.movedBeyond(entry.seqId - 1n, this.#conversation, rest);
      if (moved === undefined) continue;
      if ((await this.#positionAt(entry, moved)) >= entry.seqId) return;
      await pause(end - performance.now(), { signal: closing });
    }
  }

  #isOurs(seqId: bigint): boolean {
    return this.#appendedHere.has(seqId) || seqId <= this.#takenOverThrough;
  }

  #patienceMs({ recipients }: Pick<AwaitOptions, 'recipients'>): number {
    const { leastMs, mostMs } = this.#context.patience;
    return leastMs + Math.random() * (mostMs - leastMs) + recipients * MS_PER_RECIPIENT;
  }

  #knownAt({ cursor }: PendingEntry): bigint {
    return this.#position !== undefined && epochOf(this.#position) === epochOf(cursor) ? seqIdOf(this.#position) : 0n;
  }

  /** A position of another epoch counts as far as the store still knows it. */
  async #positionAt({ cursor }: PendingEntry, position: Cursor | undefined): Promise<bigint> {
    if (position === undefined) return 0n;
    this.#position = position;
    if (epochOf(position) === epochOf(cursor)) return seqIdOf(position);
    return resumeAfter(this.#context, this.#timeline, position);
  }
}
