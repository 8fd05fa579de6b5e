import type { Body, Payload, Write, WriteEntry, WriteOutcome } from '../../src/adapter.js';
import { ENTRIES_PER_SCRIPT, gaveUp, kindOf, TIMELINES_PER_SCRIPT, type TimelineWrites } from './append-scripts.js';
import { asArgument } from './connection/client.js';
import { fieldOf, keyTimes } from './idempotency-keys.js';
import type { Library } from './library.js';
import { APPEND_KEYED, APPEND_PLAIN, type Script } from './scripts.generated.js';
import { AT_WIDTH, epochIn, LARGE_BODY_BYTES, lastIn, toSeqId } from './timeline-state.js';

/** A call of a script of the hot path, for Timelines of one slot whose bodies are of one kind. */
export interface FastRequest {
  readonly timelines: readonly TimelineWrites[];
  readonly script: Script;
  readonly keys: readonly string[];
  /** False if the request is full, or the writes do not fit to the others. */
  add(added: TimelineWrites, writes: readonly Write[]): boolean;
  args(library: Library): (string | Buffer)[];
  /** Sets the outcomes of writes. Returns the Timelines that were not as expected, where the script wrote nothing. */
  parseAnswer(answer: string, writes: readonly Write[], outcomes: WriteOutcome[]): TimelineWrites[];
}

/** The request for writes that one script of the hot path can take; undefined for others. */
export function fastRequestFor(
  added: TimelineWrites,
  writes: readonly Write[],
  isCluster: boolean,
): FastRequest | undefined {
  const request = hasKey(added, writes) ? new KeyedRequest(isCluster) : new PlainRequest(isCluster);
  return request.add(added, writes) ? request : undefined;
}

/** True if the first entry has a key. */
export function hasKey({ indexes: [first] }: TimelineWrites, writes: readonly Write[]): boolean {
  return writes[first as number]?.entries[0]?.key !== undefined;
}

/** Entries without keys, whose bodies are either all different or all the same. */
class PlainRequest implements FastRequest {
  readonly script = APPEND_PLAIN;
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
    const { base, streamKey, stateKey } = added.timeline;
    if (this.#isCluster) this.keys.push(streamKey, stateKey);
    else this.keys.push(base);
    return true;
  }

  args({ clock }: Library): (string | Buffer)[] {
    const isOneEach = this.#bodies.length === this.timelines.length;
    const counts = this.#shared ? '*' : isOneEach ? '' : this.#counts.join(' ');
    return [`${this.#kind}${clock.entryTime()}`, padTime(clock.latestTime()), counts, ...this.#bodies];
  }

  parseAnswer(answer: string, writes: readonly Write[], outcomes: WriteOutcome[]): TimelineWrites[] {
    return parseLines(this.timelines, answer, outcomes, ({ indexes }, line, i) => {
      const epoch = epochIn(line);
      let next = toSeqId(lastIn(line)) - BigInt((this.#counts[i] as number) - 1);
      for (const index of indexes) {
        const entries = (writes[index] as Write).entries.map(() => ({ seqId: next++, duplicate: false }));
        outcomes[index] = { ok: true, epoch, entries };
      }
    });
  }
}

/** One entry with an idempotency key for each Timeline, either all different or all the same. */
class KeyedRequest implements FastRequest {
  readonly script = APPEND_KEYED;
  readonly timelines: TimelineWrites[] = [];
  readonly keys: string[] = [];
  readonly #isCluster: boolean;
  readonly #entries: (string | Buffer)[] = [];
  #kind = 't';
  #shared: WriteEntry | undefined;

  constructor(isCluster: boolean) {
    this.#isCluster = isCluster;
  }

  add(added: TimelineWrites, writes: readonly Write[]): boolean {
    if (this.timelines.length >= TIMELINES_PER_SCRIPT) return false;
    const entry = keyedEntry(added, writes);
    if (!entry) return false;
    const { payload, key = '' } = entry;
    const kind = kindOf(payload.body);
    if (this.timelines.length === 0) {
      this.#kind = kind;
      this.#shared = payload.shared ? entry : undefined;
    } else if (this.#kind !== kind || !this.#fits(entry)) return false;
    if (!this.#shared || this.timelines.length === 0) {
      this.#entries.push(key, fieldOf(key), payload.hash ?? '', asArgument(payload.body));
    }
    this.timelines.push(added);
    const { base, streamKey, stateKey } = added.timeline;
    if (this.#isCluster) this.keys.push(streamKey, stateKey, `${base}k`);
    else this.keys.push(base);
    return true;
  }

  #fits({ payload, key }: WriteEntry): boolean {
    if (!this.#shared) return !payload.shared;
    return payload === this.#shared.payload && key === this.#shared.key;
  }

  args({ clock, settings }: Library): (string | Buffer)[] {
    const { keyTime, forgotten, keysPeriod, keysLiveMs } = keyTimes(clock.expiryTime(), settings.keyWindowMs);
    const [chance, cursor] = [String(Math.random()), String(Math.floor(Math.random() * 2 ** 32))];
    const keyArgs = [keyTime, String(forgotten), keysPeriod, String(keysLiveMs ?? ''), chance, cursor];
    return [`${this.#kind}${clock.entryTime()}`, padTime(clock.latestTime()), ...keyArgs, ...this.#entries];
  }

  parseAnswer(answer: string, _writes: readonly Write[], outcomes: WriteOutcome[]): TimelineWrites[] {
    return parseLines(this.timelines, answer, outcomes, ({ indexes: [index] }, line) => {
      const duplicate = line.startsWith('=');
      const space = line.indexOf(' ');
      const seqId = toSeqId(duplicate ? line.slice(1, space) : lastIn(line));
      const epoch = duplicate ? line.slice(space + 1) : epochIn(line);
      outcomes[index as number] = { ok: true, epoch, entries: [{ seqId, duplicate }] };
    });
  }
}

function parseLines(
  timelines: readonly TimelineWrites[],
  answer: string,
  outcomes: WriteOutcome[],
  parse: (each: TimelineWrites, line: string, i: number) => void,
): TimelineWrites[] {
  const left: TimelineWrites[] = [];
  const lines = answer.split('\n');
  timelines.forEach((each, i) => {
    const line = lines[i] as string;
    if (line === '') left.push(each);
    else if (line.startsWith('!')) {
      const outcome = { ok: false, error: gaveUp(line.slice(1)) } as const;
      for (const index of each.indexes) outcomes[index] = outcome;
    } else parse(each, line, i);
  });
  return left;
}

/** Undefined if there is more than one entry, or it has more than a key and a body that is not large. */
function keyedEntry({ indexes }: TimelineWrites, writes: readonly Write[]): WriteEntry | undefined {
  const { entries, expectedLast } = writes[indexes[0] as number] as Write;
  const [entry] = entries;
  if (indexes.length > 1 || entries.length > 1 || expectedLast !== undefined || !entry) return undefined;
  return entry.key === undefined || entry.seqId !== undefined || isLarge(entry.payload.body) ? undefined : entry;
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

function padTime(time: number): string {
  return String(time).padStart(AT_WIDTH, '0');
}
