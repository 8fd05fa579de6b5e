import type { Appended, Body, LibraryClock, Payload, Write, WriteEntry, WriteOutcome } from '../../src/adapter.js';
import { keyConflict, lastSeqIdConflict, seqIdConflict, TimelineError } from '../../src/toolkit/index.js';
import { asArgument } from './connection/client.js';
import { toRefusal } from './errors.js';
import type { KnownTimeline } from './keys.js';
import type { Library } from './library.js';
import { AT_WIDTH, epochIn, LARGE_BODY_BYTES, lastIn, toSeqId } from './timeline-state.js';

/** Timelines of one script: enough to spread its cost, few enough that no other client waits long. */
export const TIMELINES_PER_SCRIPT = 100;
export const ENTRIES_PER_SCRIPT = 1000;
/**
 * Milliseconds that the idempotency keys of an idle Timeline outlive their window: Redis drops them by its own clock,
 * and accepted time may be behind that.
 */
const KEYS_SLACK_MS = 60_000;

/** The writes of a batch to one Timeline, by their indexes, in order. */
export interface TimelineWrites {
  readonly timeline: KnownTimeline;
  readonly indexes: number[];
}

/**
 * A call of `append-plain.lua`: Timelines of one slot, whose bodies are of one kind, and either all different or all
 * the same.
 */
export class PlainRequest {
  readonly timelines: TimelineWrites[] = [];
  readonly keys: string[] = [];
  readonly #isCluster: boolean;
  readonly #counts: number[] = [];
  readonly #bodies: (string | Buffer)[] = [];
  #kind = 't';
  #shared: Payload | undefined;

  constructor(isCluster: boolean) {
    this.#isCluster = isCluster;
  }

  /** False if the request is full or the writes do not fit to the others; if it is empty, they are not plain. */
  add(added: TimelineWrites, writes: readonly Write[]): boolean {
    if (this.timelines.length >= TIMELINES_PER_SCRIPT || this.#bodies.length >= ENTRIES_PER_SCRIPT) return false;
    const payloads = plainPayloads(added, writes);
    const [first] = payloads;
    if (!first) return false;
    const kind = kindOf(first.body);
    const shared = first.shared ? first : undefined;
    if (this.timelines.length === 0) {
      this.#kind = kind;
      this.#shared = shared;
    } else if (this.#kind !== kind || this.#shared !== shared) return false;
    if (!shared || this.timelines.length === 0) for (const { body } of payloads) this.#bodies.push(asArgument(body));
    this.timelines.push(added);
    this.#counts.push(payloads.length);
    this.keys.push(added.timeline.streamKey);
    if (this.#isCluster) this.keys.push(added.timeline.stateKey);
    return true;
  }

  args(clock: LibraryClock): (string | Buffer)[] {
    const isOneEach = this.#bodies.length === this.timelines.length;
    const counts = this.#shared ? '*' : isOneEach ? '' : this.#counts.join(' ');
    const latest = String(clock.latestTime()).padStart(AT_WIDTH, '0');
    return [`${this.#kind}${clock.entryTime()}`, counts, latest, ...this.#bodies];
  }

  /** Sets the outcomes of writes. Returns the Timelines that were not as expected, where the script wrote nothing. */
  parseAnswer(answer: string, writes: readonly Write[], outcomes: WriteOutcome[]): TimelineWrites[] {
    const left: TimelineWrites[] = [];
    const lines = answer.split('\n');
    for (let i = 0; i < this.timelines.length; i++) {
      const [each, line] = [this.timelines[i] as TimelineWrites, lines[i] as string];
      if (line === '') left.push(each);
      else if (line.startsWith('!')) {
        const outcome = { ok: false, error: gaveUp(line.slice(1)) } as const;
        for (const index of each.indexes) outcomes[index] = outcome;
      } else setPlainOutcomes(each, line, this.#counts[i] as number, writes, outcomes);
    }
    return left;
  }
}

/**
 * Nothing if any entry has more than a body or a large one, if kinds are mixed, or if bodies are shared between
 * Timelines that get several.
 */
function plainPayloads({ indexes }: TimelineWrites, writes: readonly Write[]): Payload[] {
  const payloads: Payload[] = [];
  for (const index of indexes) {
    const { entries, expectedLast } = writes[index] as Write;
    if (expectedLast !== undefined) return [];
    for (const { payload, key, seqId } of entries) {
      if (key !== undefined || seqId !== undefined || isLarge(payload.body)) return [];
      payloads.push(payload);
    }
  }
  const kind = typeof payloads[0]?.body;
  const fits = ({ body, shared }: Payload) => typeof body === kind && !shared;
  return payloads.length === 1 || payloads.every(fits) ? payloads : [];
}

function isLarge(body: Body): boolean {
  // The length in bytes is at most three times that in characters.
  if (typeof body !== 'string') return body.byteLength > LARGE_BODY_BYTES;
  return body.length > LARGE_BODY_BYTES / 3 && Buffer.byteLength(body) > LARGE_BODY_BYTES;
}

/** The entries have consecutive SeqIds up to the last one of the new state. */
function setPlainOutcomes(
  { indexes }: TimelineWrites,
  state: string,
  count: number,
  writes: readonly Write[],
  outcomes: WriteOutcome[],
): void {
  const epoch = epochIn(state);
  let next = toSeqId(lastIn(state)) - BigInt(count - 1);
  for (const index of indexes) {
    const entries = (writes[index] as Write).entries.map(() => ({ seqId: next++, duplicate: false }));
    outcomes[index] = { ok: true, epoch, entries };
  }
}

/** The request that `append.lua` takes as JSON. A body is named by its index among the arguments, counting from one. */
interface AppendRequest {
  readonly now: string;
  /** The latest time that is not of the future. */
  readonly latest: string;
  /** The time that is stored with new keys, and from which the age of others is told. */
  readonly keyTime: string;
  readonly epochSuffix: string;
  /** Keys that are declared for each Timeline. */
  readonly stride: number;
  /** Milliseconds that keys are known; -1: for ever. */
  readonly keyWindow: number;
  /** Milliseconds until Redis drops all of a Timeline's keys. */
  readonly keysLiveMs: number;
  /** 0 to 1: decides which Timelines look for keys that are too old. */
  readonly purgeAt: number;
  /** The HSCAN cursor at which they start. */
  readonly purgeCursor: string;
  /** `t` or `b` for each body, or once for all of them. */
  readonly kinds: string;
  readonly groups: readonly EncodedGroup[];
}

type EncodedEntry = number | readonly [body: number, seqId: string, key: string, hash: string];
/** A single plain entry; plain entries with consecutive bodies; or `expectedLast` and the entries. */
type EncodedWrite =
  | number
  | readonly [firstBody: number, count: number]
  | readonly [expectedLast: string, ...entries: EncodedEntry[]];
type EncodedGroup = number | readonly EncodedWrite[];

/** The keys and arguments of `append.lua` for some Timelines of one slot. */
export function encodeAppend(
  library: Library,
  writes: readonly Write[],
  timelines: readonly TimelineWrites[],
): { keys: string[]; args: (string | Buffer)[] } {
  const { clock, settings, keys: keyspace } = library;
  const keyWindow = settings.keyWindowMs ?? -1;
  const bodies = new BodyList();
  const keys: string[] = [];
  let stride = 1;
  const groups = timelines.map(({ timeline, indexes }) => {
    const declared = keyspace.declare(timeline.id, ['m', 'u', 'k']);
    stride = declared.length;
    for (const key of declared) keys.push(key);
    const group = indexes.map((index) => encodeWrite(writes[index] as Write, bodies));
    const [only] = group;
    return group.length === 1 && typeof only === 'number' ? only : group;
  });
  const request: AppendRequest = {
    now: String(clock.entryTime()),
    latest: String(clock.latestTime()),
    keyTime: String(clock.expiryTime()),
    epochSuffix: library.newEpochSuffix(),
    stride,
    keyWindow,
    keysLiveMs: keyWindow + Math.min(keyWindow, KEYS_SLACK_MS),
    purgeAt: Math.random(),
    purgeCursor: String(Math.floor(Math.random() * 2 ** 32)),
    kinds: bodies.kinds(),
    groups,
  };
  return { keys, args: [JSON.stringify(request), ...bodies.list] };
}

/** The bodies of one request, each once, however many entries share it. */
class BodyList {
  readonly list: (string | Buffer)[] = [];
  readonly #places = new Map<Payload, number>();

  /** Returns the place of a body, counting from one. */
  add(payload: Payload): number {
    const known = payload.shared ? this.#places.get(payload) : undefined;
    if (known !== undefined) return known;
    this.list.push(asArgument(payload.body));
    if (payload.shared) this.#places.set(payload, this.list.length);
    return this.list.length;
  }

  kinds(): string {
    const kinds = this.list.map(kindOf);
    return kinds.every((kind) => kind === kinds[0]) ? (kinds[0] ?? '') : kinds.join('');
  }
}

function kindOf(body: string | Uint8Array): 't' | 'b' {
  return typeof body === 'string' ? 't' : 'b';
}

function encodeWrite({ entries, expectedLast }: Write, bodies: BodyList): EncodedWrite {
  const encoded = entries.map((entry) => encodeEntry(entry, bodies));
  const [first] = encoded;
  if (expectedLast === undefined && typeof first === 'number') {
    if (encoded.length === 1) return first;
    if (encoded.every((entry, i) => entry === first + i)) return [first, encoded.length];
  }
  return [expectedLast === undefined ? '' : String(expectedLast), ...encoded];
}

function encodeEntry({ payload, key, seqId }: WriteEntry, bodies: BodyList): EncodedEntry {
  const body = bodies.add(payload);
  if (key === undefined && seqId === undefined) return body;
  return [body, seqId === undefined ? '' : String(seqId), key ?? '', payload.hash ?? ''];
}

/** Parses one line of the answer of `append.lua`. */
export function parseOutcome(write: Write, line: string): WriteOutcome {
  if (line.startsWith('!')) return { ok: false, error: parseError(write, line) };
  const space = line.indexOf(' ');
  const epoch = line.slice(0, space);
  const rest = line.slice(space + 1);
  const { length } = write.entries;
  if (length === 1) return { ok: true, epoch, entries: [parseAppended(rest)] };
  const seqIds = rest.split(' ');
  if (seqIds.length === length) return { ok: true, epoch, entries: seqIds.map(parseAppended) };
  const first = toSeqId(rest);
  const entries = Array.from({ length }, (_, i) => ({ seqId: first + BigInt(i), duplicate: false }));
  return { ok: true, epoch, entries };
}

function parseAppended(text: string): Appended {
  const duplicate = text.startsWith('=');
  return { seqId: toSeqId(duplicate ? text.slice(1) : text), duplicate };
}

function parseError({ timeline, entries }: Write, line: string): TimelineError {
  const rest = line.slice(3);
  const [first = '0', second = '0'] = rest.split(' ');
  switch (line[1]) {
    case 'L':
      return lastSeqIdConflict(timeline, { expected: BigInt(first), last: BigInt(second) });
    case 'S':
      return seqIdConflict(timeline, { chosen: BigInt(first), last: BigInt(second) });
    case 'K':
      return keyConflict(timeline, entries[Number(second)]?.key, BigInt(first));
    case 'U':
      return gaveUp(rest, timeline);
    default:
      return toRefusal(rest);
  }
}

function gaveUp(problem: string, timeline?: string): TimelineError {
  const message = `Redis gave up within an append: ${problem}`;
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { timeline, outcome: 'unknown' });
}
