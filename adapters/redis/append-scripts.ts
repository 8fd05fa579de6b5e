import type { Appended, Payload, Write, WriteEntry, WriteOutcome } from '../../src/adapter.js';
import { keyConflict, lastSeqIdConflict, seqIdConflict, TimelineError } from '../../src/toolkit/index.js';
import { asArgument } from './connection/client.js';
import { toRefusal } from './errors.js';
import { fieldOf, keyTimes } from './idempotency-keys.js';
import type { KnownTimeline } from './keys.js';
import type { Library } from './library.js';
import { toSeqId } from './timeline-state.js';

/** Timelines of one script: enough to spread its cost, few enough that no other client waits long. */
export const TIMELINES_PER_SCRIPT = 100;
export const ENTRIES_PER_SCRIPT = 1000;
/** The writes of a batch to one Timeline, by their indexes, in order. */
export interface TimelineWrites {
  readonly timeline: KnownTimeline;
  readonly indexes: number[];
}

/** The request that `append.lua` takes as JSON. A body is named by its index among the arguments, counting from one. */
interface AppendRequest {
  readonly now: string;
  /** The latest time that is not of the future. */
  readonly latest: string;
  /** The time that is stored with new keys, in base 36. */
  readonly keyTime: string;
  /** The latest time of keys that are forgotten. */
  readonly forgotten: number;
  /** The period of `keyTime`: within one, the life of the keys is not extended again. */
  readonly keysPeriod: string;
  /** Milliseconds until Redis drops all of a Timeline's keys; absent: never. */
  readonly keysLiveMs?: number | undefined;
  readonly epochSuffix: string;
  /** Keys that are declared for each Timeline. */
  readonly stride: number;
  /** 0 to 1: decides which Timelines look for keys that are too old. */
  readonly purgeAt: number;
  /** The HSCAN cursor at which they start. */
  readonly purgeCursor: string;
  /** `t` or `b` for each body, or once for all of them. */
  readonly kinds: string;
  readonly groups: readonly EncodedGroup[];
}

type EncodedEntry = number | readonly [body: number, seqId: string, key: string, hash: string, field: string];
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
    ...keyTimes(clock.expiryTime(), settings.keyWindowMs),
    epochSuffix: library.newEpochSuffix(),
    stride,
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

export function kindOf(body: string | Uint8Array): 't' | 'b' {
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
  return [body, seqId === undefined ? '' : String(seqId), key ?? '', payload.hash ?? '', fieldOf(key ?? '')];
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

export function gaveUp(problem: string, timeline?: string): TimelineError {
  const message = `Redis gave up within an append: ${problem}`;
  return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { timeline, outcome: 'unknown' });
}
