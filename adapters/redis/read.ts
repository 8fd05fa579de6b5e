import type { AdapterHead, Call, ListingRange, Range, Slice } from '../../src/adapter.js';
import { headOf, NEVER_WRITTEN, type State, StateText } from './head.js';
import type { TimelineKeys } from './keys.js';
import type { LibraryContext } from './library.js';
import type { Registry } from './registry.js';
import { ROWS_PER_RANGE, type StreamRow, TimeGuard, toSlice } from './rows.js';
import { READ } from './scripts/read.js';
import type { Settler } from './settle.js';

const RANGES_PER_SCRIPT = 100;
const STATES_PER_COMMAND = 250;
/** Rows behind the last one known that are fetched whatever their size. */
const UNSEEN_ROWS = 8n;

type FullAnswer = readonly [
  state: Buffer,
  rows: readonly StreamRow[],
  versions?: readonly (Buffer | null)[] | null,
  isCut?: number,
];
/** What the script answers instead of a range: its state has to be settled, or it has to be asked for again. */
type Answer = FullAnswer | number | string | null;
const UNSETTLED = 1;
const ASK_AGAIN = 2;

export class Reader {
  readonly #library: LibraryContext;
  readonly #settler: Settler;
  readonly #registry: Registry;

  constructor(library: LibraryContext, settler: Settler, registry: Registry) {
    this.#library = library;
    this.#settler = settler;
    this.#registry = registry;
  }

  async heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]> {
    const cutoff = this.#library.cutoff();
    const states = await this.#states(timelines, cutoff, call);
    const unsettled = timelines.filter((_, i) => states[i]?.unsettled);
    if (unsettled.length === 0) return states.map(headOf);
    await this.#settler.settleAll(unsettled, call);
    return (await this.#states(timelines, cutoff, call)).map(headOf);
  }

  /** Ids in order, without those to which nothing was ever written. */
  async list(range: ListingRange, call: Call): Promise<readonly string[]> {
    let { after } = range;
    for (;;) {
      const ids = await this.#registry.page({ ...range, ...(after !== undefined && { after }) }, call);
      const states = ids.length === 0 ? [] : await this.#states(ids, Number.NEGATIVE_INFINITY, call);
      const written = ids.filter((_, i) => (states[i]?.lastSeqId ?? 0n) > 0n);
      if (written.length > 0 || ids.length < range.limit) return written;
      after = ids.at(-1);
    }
  }

  async #states(timelines: readonly string[], cutoff: number, call: Call): Promise<State[]> {
    const keys = timelines.map((timeline) => this.#library.keys.of(timeline));
    const texts = await this.#stateTexts(
      keys.map(({ meta }) => meta),
      call,
    );
    const latest = this.#library.clock.latestTime();
    return keys.map((each, i) => this.#stateOf(each, texts[i] as string | null, cutoff, latest));
  }

  /**
   * A command for many, where there is one server; for so many that it has the first answers ready when the last is
   * sent.
   */
  async #stateTexts(metas: string[], call: Call): Promise<unknown[]> {
    const { connections, keys } = this.#library;
    if (keys.cluster) return Promise.all(metas.map((meta) => connections.ask('get', [meta], call)));
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < metas.length; i += STATES_PER_COMMAND) {
      asked.push(connections.ask('mget', metas.slice(i, i + STATES_PER_COMMAND), call));
    }
    return ((await Promise.all(asked)) as unknown[][]).flat();
  }

  /** What was parsed before is not parsed again. */
  #stateOf(keys: TimelineKeys, text: string | null, cutoff: number, latest: number): State {
    if (text === null) return NEVER_WRITTEN;
    if (keys.state?.text !== text) keys.state = new StateText(text);
    if (!keys.listed && !keys.noted) this.#registry.note(keys);
    return (keys.state as StateText).asOf(cutoff, latest);
  }

  async read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]> {
    const cutoff = this.#library.cutoff();
    const [first] = ranges as readonly [Range, ...Range[]];
    const slices =
      ranges.length > 1 ? await this.#readTails(ranges, cutoff, call) : [await this.#readOne(first, cutoff, call)];
    let places = [...slices.keys()].filter((place) => slices[place] === undefined);
    while (places.length > 0) places = await this.#collect(ranges, places, slices, cutoff, call);
    return slices as Slice[];
  }

  /** Ranges that begin at the tail need no more than the state: in a sweep over many Timelines these are nearly all. */
  async #readTails(ranges: readonly Range[], cutoff: number, call: Call): Promise<(Slice | undefined)[]> {
    const timelines = ranges.map(({ timeline }) => timeline);
    const states = await this.#states(timelines, cutoff, call);
    return ranges.map((range, place) => readTail(range, states[place] as State));
  }

  /**
   * The plain way for one range: three commands at once are cheaper for the server than a script that hands a hundred
   * rows to Lua and back. What was the same before and after the rows were fetched has not changed meanwhile, but for
   * entries that were appended. Undefined where it did, or where more is to be looked at; where so little is to be
   * expected that one command is cheaper than three; and where the bodies may be more than one answer should hold.
   */
  async #readOne(range: Range, cutoff: number, call: Call): Promise<Slice | undefined> {
    const { connections, clock } = this.#library;
    const keys = this.#library.keys.of(range.timeline);
    const { meta, stream, state: known } = keys;
    if (!known || known.isLarge || (range.after !== undefined && range.after >= known.last)) return undefined;
    // What was appended since may be large.
    const end = known.last + UNSEEN_ROWS + 1n;
    const before = range.before === undefined || range.before > end ? end : range.before < 1n ? 1n : range.before;
    const [low, high] = [`(0-${range.after ?? 0n}`, `(0-${before}`];
    const count = ['COUNT', Math.min(range.limit, ROWS_PER_RANGE)];
    const [first, rows, second] = (await Promise.all([
      connections.ask('get', [meta], call),
      range.reverse
        ? connections.askBuffers('xrevrange', [stream, high, low, ...count], call)
        : connections.askBuffers('xrange', [stream, low, high, ...count], call),
      connections.ask('get', [meta], call),
    ])) as [string | null, StreamRow[], string | null];
    if (first === null || second === null) return undefined;
    const latest = clock.latestTime();
    const state = this.#stateOf(keys, first, cutoff, latest);
    if (rows.length === 0) return readTail(range, state);
    if (state.unsettled || !sameButForAppends(first, second)) return undefined;
    if (before === end && state.lastSeqId >= end) return undefined;
    const slice = toSlice(range, state, { rows, isCut: false }, new TimeGuard(latest, first, clock));
    return slice.rows.every(({ seqId }) => seqId > state.floor && seqId <= state.lastSeqId) ? slice : undefined;
  }

  /**
   * Resolves with the places that have to be read again: what they found had to be settled first, or the answer was
   * full.
   */
  async #collect(
    ranges: readonly Range[],
    places: readonly number[],
    slices: (Slice | undefined)[],
    cutoff: number,
    call: Call,
  ): Promise<number[]> {
    const { clock, keys } = this.#library;
    const unsettled: number[] = [];
    const full: number[] = [];
    const latest = clock.latestTime();
    const chunks = this.#chunks(ranges, places).map(async (chunk) => {
      const answers = await this.#ask(
        chunk.map((place) => ranges[place] as Range),
        call,
      );
      chunk.forEach((place, i) => {
        const answer = answers[i];
        const range = ranges[place] as Range;
        if (Number(answer) === ASK_AGAIN) {
          full.push(place);
          return;
        }
        const [text, rows = [], versions, isCut] = isAnswer(answer) ? answer : [];
        const stateText = text?.toString('latin1') ?? null;
        const state = this.#stateOf(keys.of(range.timeline), stateText, cutoff, latest);
        if (Number(answer) === UNSETTLED || state.unsettled) unsettled.push(place);
        else {
          const times = new TimeGuard(latest, stateText ?? '', clock);
          slices[place] = toSlice(
            range,
            state,
            { rows, versions: versions ?? undefined, isCut: isCut !== undefined },
            times,
          );
        }
      });
    });
    await Promise.all(chunks);
    if (unsettled.length > 0) {
      const timelines = unsettled.map((place) => (ranges[place] as Range).timeline);
      await this.#settler.settleAll(timelines, call);
    }
    return [...unsettled, ...full];
  }

  #chunks(ranges: readonly Range[], places: readonly number[]): number[][] {
    const open = new Map<number, number[]>();
    const chunks: number[][] = [];
    for (const place of places) {
      const slot = this.#library.keys.slot((ranges[place] as Range).timeline);
      let chunk = open.get(slot);
      if (!chunk || chunk.length >= RANGES_PER_SCRIPT) {
        chunk = [];
        open.set(slot, chunk);
        chunks.push(chunk);
      }
      chunk.push(place);
    }
    return chunks;
  }

  async #ask(ranges: readonly Range[], call: Call): Promise<readonly Answer[]> {
    const declared = ranges.map(({ timeline }) => this.#library.keys.declare(timeline, ['m', 'u']));
    const args: (string | number)[] = [declared[0]?.length ?? 1];
    for (const { after, before, limit, reverse } of ranges) {
      const count = Math.min(limit, ROWS_PER_RANGE);
      args.push(
        String(after ?? 0n),
        before === undefined ? '+' : String(before < 1n ? 1n : before),
        count,
        reverse ? 1 : 0,
      );
    }
    return (await this.#library.connections.query(READ, declared.flat(), args, call)) as Answer[];
  }
}

function readTail(range: Range, state: State): Slice | undefined {
  const { epoch, firstSeqId, lastSeqId, ancestors } = state;
  if (state.unsettled || epoch === '' || range.after === undefined || range.after < lastSeqId) return undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows: [], more: false, truncatedThrough: undefined };
}

/**
 * Without an overlay, and with the same epoch, first entry and floor: `last at epoch first firstAt floor flags
 * lineage`.
 */
function sameButForAppends(before: string, after: string): boolean {
  const [one, two] = [before.split(' '), after.split(' ')];
  return one[6] === '-' && [2, 3, 5, 6].every((i) => one[i] === two[i]);
}

function isAnswer(answer: Answer | undefined): answer is FullAnswer {
  return Array.isArray(answer);
}
