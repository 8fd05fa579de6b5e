import type { Call, Write, WriteOutcome } from '../../src/adapter.js';
import { PlainChunk } from './append-plain.js';
import { ENTRIES_PER_SCRIPT, type Group, planGroups, TIMELINES_PER_SCRIPT, toOutcome } from './append-plan.js';
import type { LibraryContext } from './library.js';
import { toTimelineError } from './redis-errors.js';
import type { Registry } from './registry.js';
import { APPEND } from './scripts/append.js';
import { APPEND_PLAIN } from './scripts/append-plain.js';
import type { Settler } from './settle.js';
import { awaitCopies } from './wait.js';

/**
 * Nearly all writes are plain entries for Timelines that this process has written to before, and go by a script that
 * can do no more. All others, and what that script leaves because something is not as expected, go by one that can do
 * everything. All writes of a call to one Timeline take the same way, so that none can overtake another that has to be
 * tried again.
 */
export class Appender {
  readonly #library: LibraryContext;
  readonly #registry: Registry;
  readonly #settler: Settler;

  constructor(library: LibraryContext, registry: Registry, settler: Settler) {
    this.#library = library;
    this.#registry = registry;
    this.#settler = settler;
  }

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const outcomes = new Array<WriteOutcome>(writes.length);
    const work: Promise<unknown>[] = [];
    const others: Group[] = [];
    const open = new Map<number, PlainChunk>();
    for (const group of this.#groups(writes)) {
      const { listed, slot } = group.keys;
      const chunk = listed ? open.get(slot) : undefined;
      if (chunk?.add(group, writes)) continue;
      const fresh = new PlainChunk(this.#library.keys.cluster);
      if (!listed || !fresh.add(group, writes)) {
        others.push(group);
        continue;
      }
      // The server works on a full chunk while the next one is filled.
      if (chunk) work.push(this.#appendPlain(writes, chunk, outcomes, call));
      open.set(slot, fresh);
    }
    for (const chunk of open.values()) work.push(this.#appendPlain(writes, chunk, outcomes, call));
    work.push(this.#appendOthers(writes, others, outcomes, call));
    await Promise.all(work);
    return outcomes;
  }

  async #appendPlain(writes: readonly Write[], chunk: PlainChunk, outcomes: WriteOutcome[], call: Call): Promise<void> {
    const left = await this.#send(chunk.groups, outcomes, async () => {
      const answers = await this.#library.connections.change(APPEND_PLAIN, chunk.keys, chunk.args(this.#library), call);
      await awaitCopies(this.#library, call);
      return chunk.settle(writes, answers as string, outcomes);
    });
    if (!left?.length) return;
    // Their data are not what they were, and so may the registry be.
    for (const { keys } of left) keys.listed = false;
    await this.#appendOthers(writes, left, outcomes, call);
  }

  async #appendOthers(
    writes: readonly Write[],
    groups: readonly Group[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<void> {
    await Promise.all(this.#chunks(writes, groups).map((chunk) => this.#appendChunk(writes, chunk, outcomes, call)));
    if (this.#library.standing.ttlMs === undefined) return;
    const denied = groups.filter(({ places }) => places.every((place) => isDenied(outcomes[place])));
    if (denied.length > 0) await this.#appendOnceFreed(writes, denied, outcomes, call);
  }

  /** There is no memory left: what has expired of these Timelines makes some. */
  async #appendOnceFreed(
    writes: readonly Write[],
    denied: readonly Group[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<void> {
    const freed = await this.#settler.free(
      denied.map(({ keys }) => keys.timeline),
      call,
    );
    const again = denied.filter(({ keys }) => freed.has(keys.timeline));
    await Promise.all(this.#chunks(writes, again).map((chunk) => this.#appendChunk(writes, chunk, outcomes, call)));
  }

  #appendChunk(
    writes: readonly Write[],
    chunk: readonly Group[],
    outcomes: WriteOutcome[],
    call: Call,
  ): Promise<unknown> {
    const { connections } = this.#library;
    return this.#send(chunk, outcomes, async () => {
      await this.#registry.add(chunk, call);
      const { keys, args } = planGroups(this.#library, writes, chunk);
      const answers = ((await connections.change(APPEND, keys, args, call)) as string).split('\n');
      await awaitCopies(this.#library, call);
      let line = 0;
      for (const { places, keys } of chunk) {
        for (const place of places) {
          const outcome = toOutcome(writes[place] as Write, answers[line++] as string);
          if (!outcome.ok) connections.heed(outcome.error, keys.stream);
          outcomes[place] = outcome;
        }
      }
    });
  }

  /** What fails altogether is the outcome of every write that was in it. */
  async #send<T>(groups: readonly Group[], outcomes: WriteOutcome[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const outcome = { ok: false, error: toTimelineError(error, 'write') } as const;
      for (const { places } of groups) for (const place of places) outcomes[place] = outcome;
      return undefined;
    }
  }

  #chunks(writes: readonly Write[], groups: readonly Group[]): Group[][] {
    const open = new Map<number, { groups: Group[]; entries: number }>();
    const chunks: Group[][] = [];
    for (const group of groups) {
      const { slot } = group.keys;
      let chunk = open.get(slot);
      if (!chunk || chunk.groups.length >= TIMELINES_PER_SCRIPT || chunk.entries >= ENTRIES_PER_SCRIPT) {
        chunk = { groups: [], entries: 0 };
        open.set(slot, chunk);
        chunks.push(chunk.groups);
      }
      chunk.groups.push(group);
      for (const place of group.places) chunk.entries += (writes[place] as Write).entries.length;
    }
    return chunks;
  }

  #groups(writes: readonly Write[]): Iterable<Group> {
    const groups = new Map<string, Group>();
    for (let place = 0; place < writes.length; place++) {
      const { timeline } = writes[place] as Write;
      const group = groups.get(timeline);
      if (group) group.places.push(place);
      else groups.set(timeline, { keys: this.#library.keys.of(timeline), places: [place] });
    }
    return groups.values();
  }
}

function isDenied(outcome: WriteOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.error.code === 'TIMELINE_BUSY';
}
