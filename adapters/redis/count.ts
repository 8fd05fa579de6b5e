import type { Call, Count, CountRange, Slice } from '../../src/adapter.js';
import { RangeCount } from '../../src/toolkit/index.js';
import { chunkBySlot } from './connection/hash-slot.js';
import { unreachable } from './errors.js';
import type { Library } from './library.js';
import type { Reader } from './read.js';
import type { Retention } from './retention.js';
import { MAX_ROWS } from './row-codec.js';
import { COUNT } from './scripts.generated.js';
import { headOf } from './timeline-state.js';

const RANGES_PER_SCRIPT = 100;

/** Answers of `count.lua` instead of a count. */
const COUNT_AGAIN = 2;
const READ_ENTRIES = 3;

type Answer = readonly [state: string, count: number, countedThrough?: string] | number | string | null;

/** Counts entries by their SeqIds and the overlay; where SeqIds have gaps, by reading them. */
export class Counter {
  readonly #library: Library;
  readonly #retention: Retention;
  readonly #reader: Reader;

  constructor(library: Library, retention: Retention, reader: Reader) {
    this.#library = library;
    this.#retention = retention;
    this.#reader = reader;
  }

  async count(ranges: readonly CountRange[], call: Call): Promise<readonly Count[]> {
    const cutoff = this.#library.cutoff();
    const all = ranges.map((range) => new RangeCount(range));
    for (let open: readonly RangeCount[] = all; open.length > 0; open = all.filter(({ isDone }) => !isDone)) {
      if (performance.now() >= call.deadline)
        throw unreachable('counting so many entries takes longer than the budget: give atMost');
      await this.#countSome(open, cutoff, call);
    }
    return all.map(({ result }) => result);
  }

  async #countSome(open: readonly RangeCount[], cutoff: number, call: Call): Promise<void> {
    const { keys } = this.#library;
    const chunks = chunkBySlot(open, ({ range }) => keys.of(range.timeline).slot, { items: RANGES_PER_SCRIPT });
    const outdated: string[] = [];
    const unclear: RangeCount[] = [];
    const scripts = chunks.map(async (chunk) => {
      const answers = await this.#runScript(chunk, call);
      for (const [i, progress] of chunk.entries()) {
        const answer = answers[i] ?? null;
        if (Number(answer) === READ_ENTRIES) unclear.push(progress);
        else if (Number(answer) !== COUNT_AGAIN && !this.#take(progress, answer, cutoff))
          outdated.push(progress.range.timeline);
      }
    });
    await Promise.all(scripts);
    if (outdated.length > 0) await this.#retention.applyToAll(outdated, call);
    if (unclear.length > 0) await this.#countPages(unclear, call);
  }

  async #runScript(chunk: readonly RangeCount[], call: Call): Promise<readonly Answer[]> {
    const { connections, keys } = this.#library;
    const declared = chunk.map(({ range }) => keys.declare(range.timeline, ['m', 'u']));
    const args: (string | number)[] = [declared[0]?.length ?? 1];
    for (const { range, after, left } of chunk) {
      const { before } = range;
      const end = before === undefined ? '+' : String(before < 1n ? 1n : before);
      args.push(String(after ?? 0n), end, left);
    }
    return (await connections.read.script(COUNT, declared.flat(), args, call)) as Answer[];
  }

  /** False if the state is outdated. */
  #take(progress: RangeCount, answer: Answer, cutoff: number): boolean {
    const { clock, keys } = this.#library;
    if (answer !== null && !Array.isArray(answer)) return false;
    const [text, count, countedThrough] = answer ?? [null, 0];
    const state = this.#reader.stateOf(keys.of(progress.range.timeline), text, cutoff, clock.latestTime());
    if (state.needsRetention) return false;
    progress.head ??= headOf(state);
    // All of it may have expired while the state still told of it.
    const isGone = state.firstSeqId > state.lastSeqId;
    if (!isGone) progress.count += Number(count);
    progress.isDone = isGone || countedThrough === undefined;
    if (countedThrough !== undefined) progress.after = BigInt(countedThrough);
    return true;
  }

  async #countPages(unclear: readonly RangeCount[], call: Call): Promise<void> {
    const pages = unclear.map((progress) => progress.nextPage(MAX_ROWS));
    const slices = await this.#reader.read(pages, call);
    for (const [i, progress] of unclear.entries()) progress.take(slices[i] as Slice);
  }
}
