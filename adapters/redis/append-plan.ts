import type { Appended, Payload, Write, WriteEntry, WriteOutcome } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { asArgument } from './client.js';
import { seqId } from './head.js';
import type { TimelineKeys } from './keys.js';
import type { LibraryContext } from './library.js';
import { refusal } from './redis-errors.js';
import { KEYS_BETWEEN } from './scripts/append.js';

/** Timelines of one script: enough to spread its cost, few enough that no other client waits long. */
export const TIMELINES_PER_SCRIPT = 100;
export const ENTRIES_PER_SCRIPT = 1000;
/**
 * Redis keeps the keys of an idle Timeline for their window by its own clock, and for so much more, should accepted
 * time be behind it.
 */
const KEYS_SLACK_MS = 60_000;

/** The writes to one Timeline, by their places in the batch, in order. */
export interface Group {
  readonly keys: TimelineKeys;
  readonly places: number[];
}

/** What the script is told. A number is the place of a body. */
interface AppendPlan {
  readonly now: string;
  /** The latest time that is not of the future. */
  readonly latest: string;
  /** The time by which keys are kept. */
  readonly expiry: string;
  readonly born: string;
  /** How many keys are declared for each group. */
  readonly stride: number;
  /** Milliseconds that keys are known; -1: for ever. */
  readonly window: number;
  /** Milliseconds until Redis drops them all. */
  readonly keep: number;
  /** Whose turn it is to look for keys that are too old, and where. */
  readonly turn: number;
  readonly cursor: string;
  /** `t` or `b` for each body, or once for all of them. */
  readonly kinds: string;
  readonly groups: readonly PlannedGroup[];
}

type PlannedEntry = number | readonly [body: number, seqId: string, key: string, hash: string];
/**
 * A single plain entry; several whose bodies follow each other, by the first and their number; or `expectedLast` and
 * the entries.
 */
type PlannedWrite =
  | number
  | readonly [first: number, count: number]
  | readonly [expectedLast: string, ...entries: PlannedEntry[]];
type PlannedGroup = number | readonly PlannedWrite[];

/** What the general script is told of the writes to some Timelines. */
export function planGroups(
  library: LibraryContext,
  writes: readonly Write[],
  groups: readonly Group[],
): { keys: string[]; args: (string | Buffer)[] } {
  const { clock, standing } = library;
  const window = standing.keyWindowMs ?? -1;
  const bodies = new BodyList();
  const keys: string[] = [];
  let stride = 1;
  const planned = groups.map(({ keys: { timeline }, places }) => {
    const declared = library.keys.declare(timeline, ['m', 'u', 'k']);
    stride = declared.length;
    for (const key of declared) keys.push(key);
    const group = places.map((place) => planWrite(writes[place] as Write, bodies));
    const [only] = group;
    return group.length === 1 && typeof only === 'number' ? only : group;
  });
  const plan: AppendPlan = {
    now: String(clock.entryTime()),
    latest: String(clock.latestTime()),
    expiry: String(clock.expiryTime()),
    born: library.born(),
    stride,
    window,
    keep: window + Math.min(window, KEYS_SLACK_MS),
    turn: Math.floor(Math.random() * KEYS_BETWEEN),
    cursor: String(Math.floor(Math.random() * 2 ** 32)),
    kinds: bodies.kinds(),
    groups: planned,
  };
  return { keys, args: [JSON.stringify(plan), ...bodies.list] };
}

/** The bodies of one script, each once, however many entries share it. */
class BodyList {
  readonly list: (string | Buffer)[] = [];
  readonly #places = new Map<Payload, number>();

  /** Counts from one. */
  place(payload: Payload): number {
    const known = payload.shared ? this.#places.get(payload) : undefined;
    if (known !== undefined) return known;
    this.list.push(asArgument(payload.body));
    if (payload.shared) this.#places.set(payload, this.list.length);
    return this.list.length;
  }

  kinds(): string {
    const kinds = this.list.map((body) => (typeof body === 'string' ? 't' : 'b'));
    return kinds.every((kind) => kind === kinds[0]) ? (kinds[0] ?? '') : kinds.join('');
  }
}

function planWrite({ entries, expectedLast }: Write, bodies: BodyList): PlannedWrite {
  const planned = entries.map((entry) => planEntry(entry, bodies));
  const [first] = planned;
  if (expectedLast === undefined && typeof first === 'number') {
    if (planned.length === 1) return first;
    if (planned.every((entry, i) => entry === first + i)) return [first, planned.length];
  }
  return [expectedLast === undefined ? '' : String(expectedLast), ...planned];
}

function planEntry({ payload, key, seqId: chosen }: WriteEntry, bodies: BodyList): PlannedEntry {
  const place = bodies.place(payload);
  if (key === undefined && chosen === undefined) return place;
  return [place, chosen === undefined ? '' : String(chosen), key ?? '', payload.hash ?? ''];
}

/** Reads one line of what the general script answers. */
export function toOutcome(write: Write, answer: string): WriteOutcome {
  if (answer.startsWith('!')) return { ok: false, error: toError(write, answer) };
  const space = answer.indexOf(' ');
  const epoch = answer.slice(0, space);
  const rest = answer.slice(space + 1);
  const { length } = write.entries;
  if (length === 1) return { ok: true, epoch, entries: [toAppended(rest)] };
  const ids = rest.split(' ');
  if (ids.length === length) return { ok: true, epoch, entries: ids.map(toAppended) };
  const first = seqId(rest);
  return {
    ok: true,
    epoch,
    entries: Array.from({ length }, (_, i) => ({ seqId: first + BigInt(i), duplicate: false })),
  };
}

function toAppended(id: string): Appended {
  return id.startsWith('=') ? { seqId: seqId(id.slice(1)), duplicate: true } : { seqId: seqId(id), duplicate: false };
}

function toError({ timeline, entries }: Write, answer: string): TimelineError {
  const rest = answer.slice(3);
  const [first = '0', second = '0'] = rest.split(' ');
  switch (answer[1]) {
    case 'C': {
      const [expected, actual] = [BigInt(first), BigInt(second)];
      return new TimelineError('TIMELINE_CONFLICT', `${expected} was expected, but the last SeqId is ${actual}`, {
        timeline,
        expected,
        actual,
      });
    }
    case 'K': {
      const key = JSON.stringify(entries[Number(second)]?.key);
      const message = `the key ${key} was used for another message, entry ${first}`;
      return new TimelineError('TIMELINE_KEY_CONFLICT', message, { timeline, actual: BigInt(first) });
    }
    case 'U': {
      const message = `Redis gave up within an append: ${rest}`;
      return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { timeline, outcome: 'unknown' });
    }
    default:
      return refusal(rest);
  }
}
