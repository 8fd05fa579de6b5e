import type { AdapterHead, Call, Count, CountRange, Slice } from '../../src/adapter.js';
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

interface Progress {
  readonly range: CountRange;
  after: bigint | undefined;
  count: number;
  isDone: boolean;
  head: AdapterHead | undefined;
}

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
    const all: Progress[] = ranges.map((range) => {
      return { range, after: range.after, count: 0, isDone: false, head: undefined };
    });
    for (let open = all; open.length > 0; open = all.filter(({ isDone }) => !isDone)) {
      if (performance.now() >= call.deadline)
        throw unreachable('counting so many entries takes longer than the budget: give atMost');
      await this.#countSome(open, cutoff, call);
    }
    return all.map(({ head, count }) => ({ ...(head as AdapterHead), count }));
  }

  async #countSome(open: readonly Progress[], cutoff: number, call: Call): Promise<void> {
    const { keys } = this.#library;
    const chunks = chunkBySlot(open, ({ range }) => keys.of(range.timeline).slot, { items: RANGES_PER_SCRIPT });
    const outdated: string[] = [];
    const unclear: Progress[] = [];
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

  async #runScript(chunk: readonly Progress[], call: Call): Promise<readonly Answer[]> {
    const { connections, keys } = this.#library;
    const declared = chunk.map(({ range }) => keys.declare(range.timeline, ['m', 'u']));
    const args: (string | number)[] = [declared[0]?.length ?? 1];
    for (const { range, after, count } of chunk) {
      const { before, atMost } = range;
      const end = before === undefined ? '+' : String(before < 1n ? 1n : before);
      args.push(String(after ?? 0n), end, atMost - count);
    }
    return (await connections.read.script(COUNT, declared.flat(), args, call)) as Answer[];
  }

  /** False if the state is outdated. */
  #take(progress: Progress, answer: Answer, cutoff: number): boolean {
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

  async #countPages(unclear: readonly Progress[], call: Call): Promise<void> {
    const pages = unclear.map(({ range, after, count }) => {
      const limit = Math.min(MAX_ROWS, range.atMost - count);
      return { timeline: range.timeline, after, before: range.before, limit, reverse: false };
    });
    const slices = await this.#reader.read(pages, call);
    for (const [i, progress] of unclear.entries()) {
      const slice = slices[i] as Slice;
      progress.head ??= headOf(slice);
      progress.count += slice.rows.filter(({ body }) => body !== undefined).length;
      progress.after = slice.rows.at(-1)?.seqId ?? progress.after;
      progress.isDone = !slice.more || slice.rows.length === 0 || progress.count >= progress.range.atMost;
    }
  }
}
