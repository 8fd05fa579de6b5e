import type { AdapterHead, Body, Range, Row, Slice } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { headOf, NEVER_WRITTEN, type State, StateText } from './head.js';
import type { TimelineKeys } from './keys.js';
import type { LibraryContext } from './library.js';
import { READ } from './scripts/read.js';
import type { Settler } from './settle.js';

/** Rows of one answer, at most: bodies may be large, and Redis serves nobody else while it collects them. */
const ROWS_PER_RANGE = 1000;
const RANGES_PER_SCRIPT = 100;
const STATES_PER_COMMAND = 250;
const COLON = 0x3a;
const BYTES = 0x62;

export type StreamRow = readonly [id: Buffer, fields: readonly [name: Buffer, body: Buffer]];
type Answer = readonly [state: Buffer, rows: readonly StreamRow[], overlay?: readonly (Buffer | null)[]];

export class Reader {
  constructor(
    private readonly library: LibraryContext,
    private readonly settler: Settler,
  ) {}

  async heads(timelines: readonly string[]): Promise<readonly AdapterHead[]> {
    const cutoff = this.library.cutoff();
    const states = await this.states(timelines, cutoff);
    const unsettled = timelines.filter((_, i) => states[i]?.unsettled);
    if (unsettled.length === 0) return states.map(headOf);
    await this.settler.settle(unsettled);
    return (await this.states(timelines, cutoff)).map(headOf);
  }

  async states(timelines: readonly string[], cutoff: number): Promise<State[]> {
    const keys = timelines.map((timeline) => this.library.keys.of(timeline));
    const texts = await this.#stateTexts(keys.map(({ meta }) => meta));
    return keys.map((each, i) => stateOf(each, texts[i] as string | null, cutoff));
  }

  /** A command for many, where there is one server; for so many that it has the first answers ready when the last is sent. */
  async #stateTexts(metas: string[]): Promise<unknown[]> {
    const { connections, keys } = this.library;
    if (keys.cluster) return Promise.all(metas.map((meta) => connections.ask('get', [meta])));
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < metas.length; i += STATES_PER_COMMAND) {
      asked.push(connections.ask('mget', metas.slice(i, i + STATES_PER_COMMAND)));
    }
    return ((await Promise.all(asked)) as unknown[][]).flat();
  }

  async read(ranges: readonly Range[]): Promise<readonly Slice[]> {
    const cutoff = this.library.cutoff();
    const [first] = ranges as readonly [Range, ...Range[]];
    const slices = ranges.length > 1 ? await this.#readTails(ranges, cutoff) : [await this.#readOne(first, cutoff)];
    let places = [...slices.keys()].filter((place) => slices[place] === undefined);
    while (places.length > 0) places = await this.#collect(ranges, places, slices, cutoff);
    return slices as Slice[];
  }

  /** Ranges that begin at the tail need no more than the state: in a sweep over many Timelines these are nearly all. */
  async #readTails(ranges: readonly Range[], cutoff: number): Promise<(Slice | undefined)[]> {
    const timelines = ranges.map(({ timeline }) => timeline);
    const states = await this.states(timelines, cutoff);
    return ranges.map((range, place) => readTail(range, states[place] as State));
  }

  /**
   * The plain way for one range: three commands at once are cheaper for the server than a script that hands a hundred rows to Lua and back.
   * What was the same before and after the rows were fetched has not changed meanwhile, but for entries that were appended. Undefined
   * where it did, or where more is to be looked at; and where so little is to be expected that one command is cheaper than three.
   */
  async #readOne(range: Range, cutoff: number): Promise<Slice | undefined> {
    const { connections } = this.library;
    const keys = this.library.keys.of(range.timeline);
    const { meta, stream } = keys;
    if (range.after !== undefined && keys.state && range.after >= keys.state.last) return undefined;
    const low = `(0-${range.after ?? 0n}`;
    const high = range.before === undefined ? '+' : `(0-${range.before < 1n ? 1n : range.before}`;
    const count = ['COUNT', Math.min(range.limit, ROWS_PER_RANGE)];
    const [before, rows, after] = (await Promise.all([
      connections.ask('get', [meta]),
      range.reverse
        ? connections.askBuffers('xrevrange', [stream, high, low, ...count])
        : connections.askBuffers('xrange', [stream, low, high, ...count]),
      connections.ask('get', [meta]),
    ])) as [string | null, StreamRow[], string | null];
    if (before === null || after === null) return undefined;
    const state = stateOf(keys, before, cutoff);
    if (rows.length === 0) return readTail(range, state);
    if (state.unsettled || !sameButForAppends(before, after)) return undefined;
    const slice = toSlice(range, state, rows, undefined);
    return slice.rows.every(({ seqId }) => seqId > state.floor && seqId <= state.lastSeqId) ? slice : undefined;
  }

  /** Resolves with the places that have to be read again, because what they found had to be settled first. */
  async #collect(
    ranges: readonly Range[],
    places: readonly number[],
    slices: (Slice | undefined)[],
    cutoff: number,
  ): Promise<number[]> {
    const again: number[] = [];
    const chunks = this.#chunks(ranges, places).map(async (chunk) => {
      const answers = await this.#ask(chunk.map((place) => ranges[place] as Range));
      chunk.forEach((place, i) => {
        const answer = answers[i];
        const range = ranges[place] as Range;
        const text = isAnswer(answer) ? answer[0].toString('latin1') : null;
        const state = stateOf(this.library.keys.of(range.timeline), text, cutoff);
        if (isUnsettled(answer) || state.unsettled) again.push(place);
        else slices[place] = toSlice(range, state, isAnswer(answer) ? answer[1] : [], isAnswer(answer) ? answer[2] : undefined);
      });
    });
    await Promise.all(chunks);
    if (again.length > 0) await this.settler.settle(again.map((place) => (ranges[place] as Range).timeline));
    return again;
  }

  #chunks(ranges: readonly Range[], places: readonly number[]): number[][] {
    const open = new Map<number, number[]>();
    const chunks: number[][] = [];
    for (const place of places) {
      const slot = this.library.keys.slot((ranges[place] as Range).timeline);
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

  async #ask(ranges: readonly Range[]): Promise<readonly (Answer | 1 | null)[]> {
    const declared = ranges.map(({ timeline }) => this.library.keys.declare(timeline, ['m', 'u']));
    const args: (string | number)[] = [declared[0]?.length ?? 1];
    for (const { after, before, limit, reverse } of ranges) {
      const count = Math.min(limit, ROWS_PER_RANGE);
      args.push(String(after ?? 0n), before === undefined ? '+' : String(before < 1n ? 1n : before), count, reverse ? 1 : 0);
    }
    return (await this.library.connections.query(READ, declared.flat(), args)) as (Answer | 1 | null)[];
  }
}

/** What was parsed before is not parsed again. */
function stateOf(keys: TimelineKeys, text: string | null, cutoff: number): State {
  if (text !== null && keys.state?.text !== text) keys.state = new StateText(text);
  return text === null ? NEVER_WRITTEN : (keys.state as StateText).at(cutoff);
}

function readTail(range: Range, state: State): Slice | undefined {
  const { epoch, firstSeqId, lastSeqId, ancestors } = state;
  if (state.unsettled || epoch === '' || range.after === undefined || range.after < lastSeqId) return undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows: [], more: false, truncatedThrough: undefined };
}

/** Without an overlay, and with the same epoch, first entry and floor: `last at epoch first firstAt floor flags lineage`. */
function sameButForAppends(before: string, after: string): boolean {
  const [one, two] = [before.split(' '), after.split(' ')];
  return one[6] === '-' && [2, 3, 5, 6].every((i) => one[i] === two[i]);
}

function isAnswer(answer: Answer | 1 | null | undefined): answer is Answer {
  return Array.isArray(answer);
}

/** A number, which ioredis may have been told to return as text. */
function isUnsettled(answer: Answer | 1 | null | undefined): boolean {
  return !isAnswer(answer) && Number(answer) === 1;
}

function toSlice(
  range: Range,
  state: State,
  found: readonly StreamRow[],
  overlay: readonly (Buffer | null)[] | undefined,
): Slice {
  const { after = 0n, before, limit, reverse } = range;
  const { epoch, firstSeqId, lastSeqId, ancestors, floor } = state;
  // All of it may have expired while the state still told of it.
  const rows = firstSeqId <= lastSeqId ? found.map((row, i) => toRow(row, overlay?.[i])) : [];
  const edge = rows.at(-1)?.seqId;
  const lowest = after > floor ? after + 1n : firstSeqId;
  const highest = before !== undefined && before <= lastSeqId ? before - 1n : lastSeqId;
  const full = rows.length === Math.min(limit, ROWS_PER_RANGE);
  const more = full && edge !== undefined && (reverse ? edge > lowest : edge < highest);
  const truncatedThrough = range.after !== undefined && range.after < floor ? floor : undefined;
  return { epoch, firstSeqId, lastSeqId, ancestors, rows, more, truncatedThrough };
}

function toRow([id, [name, body]]: StreamRow, overlay: Buffer | null | undefined): Row {
  const found = name.indexOf(COLON);
  const colon = found < 0 ? name.length : found;
  const appendedAt = digits(name, 1, colon);
  if (id[0] !== 0x30 || id[1] !== 0x2d || !(appendedAt >= 0)) throw foreignRow();
  const place = id.length < 18 ? BigInt(digits(id, 2, id.length)) : BigInt(id.toString('latin1', 2));
  const key = found < 0 ? undefined : name.toString('utf8', colon + 1);
  if (overlay) return { seqId: place, appendedAt, key, ...toVersion(overlay) };
  return { seqId: place, appendedAt, body: toBody(name[0] === BYTES, body), key, revision: 0 };
}

/** Much faster than by way of a string, and a page has hundreds of them. */
function digits(text: Buffer, start: number, end: number): number {
  let number = start < end ? 0 : Number.NaN;
  for (let i = start; i < end; i++) {
    const digit = (text[i] as number) - 0x30;
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN;
  }
  return number;
}

/** `<kind><revision>:<body>`, as the overlay keeps what came after the first version. */
function toVersion(version: Buffer): { body: Body | undefined; revision: number } {
  const colon = version.indexOf(COLON);
  const revision = Number(version.toString('latin1', 1, colon));
  return { body: version[0] === 0x64 ? undefined : toBody(version[0] === BYTES, version.subarray(colon + 1)), revision };
}

function toBody(bytes: boolean, body: Buffer): Body {
  return bytes ? new Uint8Array(body) : body.toString();
}

function foreignRow(): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', 'the stream of this Timeline holds entries of another program');
}
