import type { AdapterHead, Call, ListingRange, Range, Slice } from '../../src/adapter.js';
import { chunkBySlot } from './connection/hash-slot.js';
import type { KnownTimeline } from './keys.js';
import type { Library } from './library.js';
import type { Registry } from './registry.js';
import type { Retention } from './retention.js';
import { MAX_ROWS, type StreamRow, toSlice } from './row-codec.js';
import { READ } from './scripts.generated.js';
import { differByAppends, headOf, NEVER_WRITTEN, TimelineState, type VisibleState } from './timeline-state.js';

const RANGES_PER_SCRIPT = 100;
const STATES_PER_COMMAND = 250;
/** Rows behind the last known one that are fetched whatever their size. */
const UNSEEN_ROWS = 8n;

/** Answers of `read.lua` instead of a range. */
const APPLY_RETENTION = 1;
const READ_AGAIN = 2;

type RangeAnswer = readonly [
  state: Buffer,
  rows: readonly StreamRow[],
  versions?: readonly (Buffer | null)[] | null,
  endedEarly?: number,
];
type Answer = RangeAnswer | number | string | null;

export class Reader {
  readonly #library: Library;
  readonly #retention: Retention;
  readonly #registry: Registry;

  constructor(library: Library, retention: Retention, registry: Registry) {
    this.#library = library;
    this.#retention = retention;
    this.#registry = registry;
  }

  async heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]> {
    const cutoff = this.#library.cutoff();
    const states = await this.#readStates(timelines, cutoff, call);
    const outdated = timelines.filter((_, i) => states[i]?.needsRetention);
    if (outdated.length === 0) return states.map(headOf);
    await this.#retention.applyToAll(outdated, call);
    return (await this.#readStates(timelines, cutoff, call)).map(headOf);
  }

  /** Ids in order, without those to which nothing was ever written. */
  async list(range: ListingRange, call: Call): Promise<readonly string[]> {
    let { after } = range;
    for (;;) {
      const ids = await this.#registry.page({ ...range, ...(after !== undefined && { after }) }, call);
      const states = ids.length === 0 ? [] : await this.#readStates(ids, Number.NEGATIVE_INFINITY, call);
      const written = ids.filter((_, i) => (states[i]?.lastSeqId ?? 0n) > 0n);
      if (written.length > 0 || ids.length < range.limit) return written;
      after = ids.at(-1);
    }
  }

  async read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]> {
    const cutoff = this.#library.cutoff();
    const [first] = ranges as readonly [Range, ...Range[]];
    const slices =
      ranges.length > 1
        ? await this.#readCaughtUp(ranges, cutoff, call)
        : [await this.#readDirectly(first, cutoff, call)];
    let left = [...slices.keys()].filter((index) => slices[index] === undefined);
    while (left.length > 0) left = await this.#readByScript(ranges, left, slices, cutoff, call);
    return slices as Slice[];
  }

  async #readStates(timelines: readonly string[], cutoff: number, call: Call): Promise<VisibleState[]> {
    const known = timelines.map((timeline) => this.#library.keys.of(timeline));
    const texts = await this.#readStateTexts(
      known.map(({ stateKey }) => stateKey),
      call,
    );
    const latest = this.#library.clock.latestTime();
    return known.map((each, i) => this.stateOf(each, texts[i] as string | null, cutoff, latest));
  }

  /**
   * On a single server one command reads many states; more than {@link STATES_PER_COMMAND} go by several, so that the
   * first answers are there when the last command is sent.
   */
  async #readStateTexts(stateKeys: string[], call: Call): Promise<unknown[]> {
    const { connections, keys } = this.#library;
    if (keys.isCluster) return Promise.all(stateKeys.map((key) => connections.read.command('get', [key], call)));
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < stateKeys.length; i += STATES_PER_COMMAND) {
      answers.push(connections.read.command('mget', stateKeys.slice(i, i + STATES_PER_COMMAND), call));
    }
    return ((await Promise.all(answers)) as unknown[][]).flat();
  }

  /** Parses a text only if it is not the one that was parsed last. */
  stateOf(known: KnownTimeline, text: string | null, cutoff: number, latest: number): VisibleState {
    if (text === null) return NEVER_WRITTEN;
    if (known.state?.text !== text) known.state = new TimelineState(text);
    if (!known.isListed && !known.isBeingListed) this.#registry.addLater(known);
    return (known.state as TimelineState).visibleAt(cutoff, latest);
  }

  /** Answers ranges that begin at the last entry, which need the state alone; of many subscriptions nearly all do. */
  async #readCaughtUp(ranges: readonly Range[], cutoff: number, call: Call): Promise<(Slice | undefined)[]> {
    const timelines = ranges.map(({ timeline }) => timeline);
    const states = await this.#readStates(timelines, cutoff, call);
    return ranges.map((range, index) => caughtUpSlice(range, states[index] as VisibleState));
  }

  /**
   * Reads one range by three commands at once, which are cheaper for the server than a script that hands a hundred rows
   * to Lua and back. If only appends lie between the states before and after the rows, the rows are of one state.
   *
   * Undefined if more lies between them, or if the script is the better way: for entries that were changed, for so few
   * entries that one command is cheaper than three, and for bodies that may be more than one answer should hold.
   */
  async #readDirectly(range: Range, cutoff: number, call: Call): Promise<Slice | undefined> {
    const { connections, clock, keys } = this.#library;
    const known = keys.of(range.timeline);
    const { stateKey, streamKey, state: lastState } = known;
    if (!lastState || lastState.hasLargeBodies) return undefined;
    if (range.after !== undefined && range.after >= lastState.lastSeqId) return undefined;
    // Entries appended since then may be large.
    const end = lastState.lastSeqId + UNSEEN_ROWS + 1n;
    const before = range.before === undefined || range.before > end ? end : range.before < 1n ? 1n : range.before;
    const [low, high] = [`(0-${range.after ?? 0n}`, `(0-${before}`];
    const count = ['COUNT', Math.min(range.limit, MAX_ROWS)];
    const [command, from, to] = range.reverse ? ['xrevrange', high, low] : ['xrange', low, high];
    const [textBefore, rows, textAfter] = (await Promise.all([
      connections.read.command('get', [stateKey], call),
      connections.read.command(command, [streamKey, from, to, ...count], call, { buffers: true }),
      connections.read.command('get', [stateKey], call),
    ])) as [string | null, StreamRow[], string | null];
    if (textBefore === null || textAfter === null) return undefined;
    const latest = clock.latestTime();
    const state = this.stateOf(known, textBefore, cutoff, latest);
    if (rows.length === 0) return caughtUpSlice(range, state);
    if (state.needsRetention || !differByAppends(textBefore, textAfter)) return undefined;
    if (before === end && state.lastSeqId >= end) return undefined;
    const slice = toSlice(range, state, { rows, endedEarly: false }, { clock, latest, state: textBefore });
    return slice.rows.every(({ seqId }) => seqId > state.floor && seqId <= state.lastSeqId) ? slice : undefined;
  }

  /** Resolves with the indexes of ranges to read again: their state was outdated, or the answer was full. */
  async #readByScript(
    ranges: readonly Range[],
    indexes: readonly number[],
    slices: (Slice | undefined)[],
    cutoff: number,
    call: Call,
  ): Promise<number[]> {
    const { clock, keys } = this.#library;
    const outdated: number[] = [];
    const full: number[] = [];
    const latest = clock.latestTime();
    const timelineAt = (index: number) => keys.of((ranges[index] as Range).timeline);
    const chunks = chunkBySlot(indexes, (index) => timelineAt(index).slot, { items: RANGES_PER_SCRIPT });
    const scripts = chunks.map(async (chunk) => {
      const answers = await this.#runScript(
        chunk.map((index) => ranges[index] as Range),
        call,
      );
      chunk.forEach((index, i) => {
        const answer = answers[i];
        if (Number(answer) === READ_AGAIN) {
          full.push(index);
          return;
        }
        const [text, rows = [], versions, endedEarly] = isRangeAnswer(answer) ? answer : [];
        const stateText = text?.toString('latin1') ?? null;
        const state = this.stateOf(timelineAt(index), stateText, cutoff, latest);
        if (Number(answer) === APPLY_RETENTION || state.needsRetention) outdated.push(index);
        else {
          const found = { rows, versions: versions ?? undefined, endedEarly: endedEarly !== undefined };
          slices[index] = toSlice(ranges[index] as Range, state, found, { clock, latest, state: stateText ?? '' });
        }
      });
    });
    await Promise.all(scripts);
    if (outdated.length > 0) {
      const timelines = outdated.map((index) => (ranges[index] as Range).timeline);
      await this.#retention.applyToAll(timelines, call);
    }
    return [...outdated, ...full];
  }

  async #runScript(ranges: readonly Range[], call: Call): Promise<readonly Answer[]> {
    const { connections, keys } = this.#library;
    const declared = ranges.map(({ timeline }) => keys.declare(timeline, ['m', 'u']));
    const args: (string | number)[] = [declared[0]?.length ?? 1];
    for (const { after, before, limit, reverse } of ranges) {
      const end = before === undefined ? '+' : String(before < 1n ? 1n : before);
      args.push(String(after ?? 0n), end, Math.min(limit, MAX_ROWS), reverse ? 1 : 0);
    }
    return (await connections.read.script(READ, declared.flat(), args, call, { buffers: true })) as Answer[];
  }
}

/** The empty slice of a range that begins at the last entry; undefined for any other range. */
function caughtUpSlice(range: Range, state: VisibleState): Slice | undefined {
  const { epoch, firstSeqId, lastSeqId, ancestors } = state;
  if (state.needsRetention || epoch === '' || range.after === undefined || range.after < lastSeqId) return undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows: [], more: false, truncatedThrough: undefined };
}

function isRangeAnswer(answer: Answer | undefined): answer is RangeAnswer {
  return Array.isArray(answer);
}
