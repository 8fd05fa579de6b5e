import { randomUUID } from 'node:crypto';
import type { Timeline, TimelineStore } from '../../src/types.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Conversations noted before the log is tidied. */
const TIDY_AT = 512;
const PAGE = 1000;

/** What a work log and the register of processes hold. */
type Note = { readonly process: string } | { readonly conversation: string } | { readonly alive: true };

/**
 * The durable list of conversations that this process may have work under way in. A conversation is noted before
 * anything is appended to it, and stays noted while it is in use: a busy one costs one note, not one per message.
 *
 * A process that was silent for longer than its lease may have been taken for dead and its log emptied: it goes on
 * under a new name. Both sides measure time by clocks that only run forward, so nobody's time of day matters.
 */
export class WorkLog<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #leaseMs: number;
  #process = '';
  #log: Timeline<Stored<M>> | undefined;
  #registered: Promise<bigint> | undefined;
  #noted = new Map<string, Promise<bigint>>();
  #sign = Number.NEGATIVE_INFINITY;
  #heart: NodeJS.Timeout | undefined;

  constructor(store: TimelineStore<Stored<M>>, leaseMs: number) {
    this.#store = store;
    this.#leaseMs = leaseMs;
  }

  /** Names that are, or were, this process's own. */
  readonly names = new Set<string>();

  /** Resolves once a crash from here on leaves the conversation on the list. */
  async begin(conversation: string): Promise<void> {
    if (!this.#isAlive) this.#rename();
    let noted = this.#noted.get(conversation);
    if (!noted) {
      noted = this.#append({ conversation });
      this.#noted.set(conversation, noted);
      noted.catch(() => this.#noted.delete(conversation));
    }
    await noted;
  }

  /** Is what {@link begin} noted sure to be on the list still? */
  holds(conversation: string): boolean {
    return this.#isAlive && this.#noted.has(conversation);
  }

  /** Takes conversations without work off the list, once it is long. `isDone` must hold durably. */
  async tidy(isDone: (conversation: string) => boolean, options: { all: boolean }): Promise<void> {
    if (this.#noted.size === 0 || (!options.all && this.#noted.size < TIDY_AT)) return;
    const log = this.#log as Timeline<Stored<M>>;
    const kept: string[] = [];
    let through = 0n;
    for (const [conversation, noted] of this.#noted) {
      const seqId = await noted.catch(() => 0n);
      if (!isDone(conversation)) kept.push(conversation);
      else this.#noted.delete(conversation);
      if (seqId > through) through = seqId;
    }
    const again = await Promise.all(kept.map((conversation) => this.#append({ conversation })));
    for (const [i, conversation] of kept.entries()) this.#noted.set(conversation, Promise.resolve(again[i] as bigint));
    if (this.#store.capabilities.trim) await log.trim({ through });
  }

  /** The list is empty: this process need not be looked after. */
  async end(): Promise<void> {
    clearInterval(this.#heart);
    if (this.#registered && this.#noted.size === 0) await forget(this.#store, await this.#registered);
  }

  get #isAlive(): boolean {
    return performance.now() - this.#sign < this.#leaseMs;
  }

  #rename(): void {
    clearInterval(this.#heart);
    this.#process = randomUUID();
    this.names.add(this.#process);
    this.#log = this.#store.timeline(timelineOf.work(this.#process));
    this.#noted = new Map();
    this.#registered = undefined;
    this.#sign = performance.now();
    this.#heart = setInterval(() => {
      if (this.#noted.size > 0) this.#append({ alive: true }).catch(() => undefined);
    }, this.#leaseMs / 3).unref();
  }

  async #register(): Promise<void> {
    const registered = this.#registered ?? register(this.#store, this.#process);
    this.#registered = registered;
    try {
      await registered;
    } catch (error) {
      if (this.#registered === registered) this.#registered = undefined;
      throw error;
    }
  }

  async #append(note: Note): Promise<bigint> {
    const asked = performance.now();
    await this.#register();
    const { seqId } = await (this.#log as Timeline<Stored<M>>).append(
      { kind: 'state', state: note },
      { key: randomUUID() },
    );
    // A sign that arrives after the lease has ended brings back nothing: others may have taken over.
    if (this.#isAlive) this.#sign = Math.max(this.#sign, asked);
    return seqId;
  }
}

/** What one process left on its list. */
export interface LeftWork {
  readonly process: string;
  /** Its place in the register. */
  readonly registered: bigint;
  readonly conversations: readonly string[];
  /** The last sign of life; 0n if there was none. */
  readonly lastSeqId: bigint;
}

async function register<M>(store: TimelineStore<Stored<M>>, process: string): Promise<bigint> {
  const { seqId } = await store
    .timeline(timelineOf.processes)
    .append({ kind: 'state', state: { process } }, { key: process });
  return seqId;
}

/** The lists of all processes but those named. */
export async function leftWork<M>(store: TimelineStore<Stored<M>>, except: ReadonlySet<string>): Promise<LeftWork[]> {
  const left: LeftWork[] = [];
  for await (const { seqId, message, deleted } of store
    .timeline(timelineOf.processes)
    .scan({ pageSize: PAGE, ...lenient })) {
    if (deleted || message.kind !== 'state') continue;
    const { process } = message.state as { process: string };
    if (except.has(process)) continue;
    const conversations = new Set<string>();
    let lastSeqId = 0n;
    for await (const { entries, head } of store
      .timeline(timelineOf.work(process))
      .pages({ pageSize: PAGE, ...lenient })) {
      lastSeqId = head.lastSeqId;
      for (const entry of entries) {
        const note = entry.message?.kind === 'state' ? (entry.message.state as Note) : undefined;
        if (note && 'conversation' in note) conversations.add(note.conversation);
      }
    }
    left.push({ process, registered: seqId, conversations: [...conversations], lastSeqId });
  }
  return left;
}

/** Takes a process off the register; if it lives after all, it notices that its lease is over. */
export async function forget<M>(store: TimelineStore<Stored<M>>, registered: bigint): Promise<void> {
  if (store.capabilities.delete) await store.timeline(timelineOf.processes).delete(registered);
}

/** Empties a dead process's list as far as it was read, and forgets the process. */
export async function bury<M>(
  store: TimelineStore<Stored<M>>,
  { process, lastSeqId, registered }: LeftWork,
): Promise<void> {
  if (lastSeqId > 0n && store.capabilities.trim)
    await store.timeline(timelineOf.work(process)).trim({ through: lastSeqId });
  await forget(store, registered);
}
