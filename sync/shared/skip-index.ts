import { isTimelineError, type TimelineStore } from '../../src/index.js';
import type { Stored } from '../types.js';
import { timelineOf } from './names.js';
import { lenient } from './undecodable.js';

/** Records read at first; most walks begin near the newest. */
const FIRST_PAGE = 32;
const PAGE = 1000;

/** A stretch of a conversation up to `through`, in which some kinds of entries do not occur. */
export interface Skip {
  readonly through: bigint;
  /** Time of the entry at `through`. It tells apart two entries that had the same SeqId in two epochs. */
  readonly at: number;
  /** No counted message follows this SeqId. */
  readonly counted: bigint;
  /** No message that pages list follows this SeqId. */
  readonly listed: bigint;
}

/** A stretch as the index holds it. SeqIds are decimal strings. */
interface SkipRecord {
  readonly through: string;
  readonly at: number;
  readonly counted: string;
  readonly listed: string;
}

/** Adds a stretch, all of whose edits and recalls have changed their messages. Idempotent. */
export async function recordSkip<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  { through, at, counted, listed }: Skip,
): Promise<void> {
  const state: SkipRecord = { through: String(through), at, counted: String(counted), listed: String(listed) };
  try {
    await store
      .timeline(timelineOf.skips(conversation))
      .append({ kind: 'state', state }, { key: `${through}.${at.toString(36)}` });
  } catch (error) {
    // Another process began elsewhere. Both are true.
    if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
  }
}

/** Finds stretches that one walk over a conversation may leave out. */
export class SkipReader<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #conversation: string;
  readonly #kind: 'counted' | 'listed';
  readonly #signal: AbortSignal | undefined;
  /** Newest first. */
  readonly #skips: Skip[] = [];
  readonly #isValid = new Map<Skip, boolean>();
  #rest: { readonly before?: string } | undefined = {};

  constructor(
    store: TimelineStore<Stored<M>>,
    conversation: string,
    kind: 'counted' | 'listed',
    signal?: AbortSignal | undefined,
  ) {
    this.#store = store;
    this.#conversation = conversation;
    this.#kind = kind;
    this.#signal = signal;
  }

  /** For a walk to lower SeqIds: returns the last SeqId up to `seqId` at which a message may be. */
  async lastUpTo(seqId: bigint): Promise<bigint> {
    let last = seqId;
    for (const skip of await this.#around(seqId)) {
      const start = skip[this.#kind];
      if (skip.through >= seqId && start < last && (await this.#holds(skip))) last = start;
    }
    return last;
  }

  /** For a walk to higher SeqIds: returns the SeqId after which the first message behind `seqId` may be. */
  async lastBefore(seqId: bigint): Promise<bigint> {
    for (const skip of await this.#around(seqId + 1n))
      if (skip[this.#kind] <= seqId && skip.through > seqId && (await this.#holds(skip))) return skip.through;
    return seqId;
  }

  /** Stretches are recorded in their order, but for those of processes that fan out side by side. */
  async #around(seqId: bigint): Promise<readonly Skip[]> {
    while (this.#rest && !this.#skips.some(({ through }) => through < seqId)) {
      const limit = this.#skips.length === 0 ? FIRST_PAGE : PAGE;
      const page = await this.#store
        .timeline(timelineOf.skips(this.#conversation))
        .read({ ...this.#rest, reverse: true, limit, signal: this.#signal, ...lenient });
      for (const { message, deleted } of page.entries)
        if (!deleted && message.kind === 'state') this.#skips.push(decodeSkip(message.state as SkipRecord));
      this.#rest = page.upToDate ? undefined : { before: page.next };
    }
    return this.#skips;
  }

  /** The stretch may be of another epoch of the conversation. */
  async #holds(skip: Skip): Promise<boolean> {
    const known = this.#isValid.get(skip);
    if (known !== undefined) return known;
    const entry = await this.#store
      .timeline(this.#conversation)
      .get(skip.through, { ...lenient, signal: this.#signal });
    const isValid = entry?.appendedAt === skip.at;
    this.#isValid.set(skip, isValid);
    return isValid;
  }
}

function decodeSkip({ through, at, counted, listed }: SkipRecord): Skip {
  return { through: BigInt(through), at, counted: BigInt(counted), listed: BigInt(listed) };
}
