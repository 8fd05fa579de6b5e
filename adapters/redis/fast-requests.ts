import type { Body, Write, WriteEntry, WriteOutcome } from '../../src/adapter.js';
import { ENTRIES_PER_SCRIPT, gaveUp, kindOf, TIMELINES_PER_SCRIPT, type TimelineWrites } from './append-scripts.js';
import { asArgument } from './connection/client.js';
import { fieldOf, keyTimes } from './idempotency-keys.js';
import type { Library } from './library.js';
import { APPEND_EACH, APPEND_SEVERAL, type Script } from './scripts.generated.js';
import { AT_WIDTH, epochIn, LARGE_BODY_BYTES, lastIn, toSeqId } from './timeline-state.js';

/** A call of a script of the hot path, for Timelines of one slot whose bodies are of one kind. */
export interface FastRequest {
  readonly timelines: readonly TimelineWrites[];
  readonly script: Script;
  readonly keys: readonly string[];
  /** False if the request is full, or the writes, which are of its kind, do not fit to the others. */
  add(added: TimelineWrites, writes: readonly Write[]): boolean;
  args(library: Library): (string | Buffer)[];
  /** Sets the outcomes of writes. Returns the Timelines that were not as expected, where the script wrote nothing. */
  parseAnswer(answer: string, writes: readonly Write[], outcomes: WriteOutcome[]): TimelineWrites[];
}

/** Writes of different kinds go by different requests. */
export type FastKind = 'plain' | 'keyed' | 'several';

/** Undefined for writes that no script of the hot path can take. */
export function fastKindOf({ indexes }: TimelineWrites, writes: readonly Write[]): FastKind | undefined {
  let count = 0;
  for (const index of indexes) {
    const { entries, expectedLast } = writes[index] as Write;
    if (expectedLast !== undefined) return undefined;
    for (const { key, seqId, payload } of entries) {
      count++;
      if (seqId !== undefined || isLarge(payload.body)) return undefined;
      if (key !== undefined) return indexes.length === 1 && entries.length === 1 ? 'keyed' : undefined;
    }
  }
  return count === 1 ? 'plain' : 'several';
}

export function newFastRequest(kind: FastKind, isCluster: boolean): FastRequest {
  return kind === 'several' ? new SeveralRequest(isCluster) : new EachRequest(isCluster, kind === 'keyed');
}

/** One entry for each Timeline, all with keys or all without, and either all different or all the same. */
class EachRequest implements FastRequest {
  readonly script = APPEND_EACH;
  readonly timelines: TimelineWrites[] = [];
  readonly keys: string[] = [];
  readonly #isCluster: boolean;
  readonly #isKeyed: boolean;
  readonly #entries: (string | Buffer)[] = [];
  #first: WriteEntry | undefined;

  constructor(isCluster: boolean, isKeyed: boolean) {
    this.#isCluster = isCluster;
    this.#isKeyed = isKeyed;
  }

  add(added: TimelineWrites, writes: readonly Write[]): boolean {
    if (this.timelines.length >= TIMELINES_PER_SCRIPT) return false;
    const entry = writes[added.indexes[0] as number]?.entries[0] as WriteEntry;
    const first = this.#first;
    if (first && !fits(first, entry)) return false;
    if (!first?.payload.shared) this.#addEntry(entry);
    this.#first ??= entry;
    this.timelines.push(added);
    const { base, streamKey, stateKey } = added.timeline;
    if (this.#isCluster) this.keys.push(streamKey, stateKey, `${base}k`);
    else this.keys.push(base);
    return true;
  }

  #addEntry({ payload, key = '' }: WriteEntry): void {
    if (this.#isKeyed) this.#entries.push(key, fieldOf(key), payload.hash ?? '');
    this.#entries.push(asArgument(payload.body));
  }

  args({ clock, settings }: Library): (string | Buffer)[] {
    const kind = kindOf((this.#first as WriteEntry).payload.body);
    const times = [`${kind}${clock.entryTime()}`, padTime(clock.latestTime())];
    if (!this.#isKeyed) return [...times, '', '0', '', '', '0', '0', ...this.#entries];
    const { keyTime, forgotten, keysPeriod, keysLiveMs } = keyTimes(clock.expiryTime(), settings.keyWindowMs);
    const purge = [String(Math.random()), String(Math.floor(Math.random() * 2 ** 32))];
    return [...times, keyTime, String(forgotten), keysPeriod, String(keysLiveMs ?? ''), ...purge, ...this.#entries];
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

function fits(first: WriteEntry, { payload, key }: WriteEntry): boolean {
  if (first.payload.shared) return payload === first.payload && key === first.key;
  return !payload.shared && typeof payload.body === typeof first.payload.body;
}

/** Several entries without keys for each Timeline. */
class SeveralRequest implements FastRequest {
  readonly script = APPEND_SEVERAL;
  readonly timelines: TimelineWrites[] = [];
  readonly keys: string[] = [];
  readonly #isCluster: boolean;
  readonly #counts: number[] = [];
  readonly #bodies: (string | Buffer)[] = [];
  #kind: 't' | 'b' | undefined;

  constructor(isCluster: boolean) {
    this.#isCluster = isCluster;
  }

  add(added: TimelineWrites, writes: readonly Write[]): boolean {
    if (this.timelines.length >= TIMELINES_PER_SCRIPT || this.#bodies.length >= ENTRIES_PER_SCRIPT) return false;
    const bodies = added.indexes.flatMap((index) =>
      (writes[index] as Write).entries.map(({ payload }) => payload.body),
    );
    const kind = this.#kind ?? kindOf(bodies[0] as Body);
    if (!bodies.every((body) => kindOf(body) === kind)) return false;
    this.#kind = kind;
    for (const body of bodies) this.#bodies.push(asArgument(body));
    this.#counts.push(bodies.length);
    this.timelines.push(added);
    const { base, streamKey, stateKey } = added.timeline;
    if (this.#isCluster) this.keys.push(streamKey, stateKey);
    else this.keys.push(base);
    return true;
  }

  args({ clock }: Library): (string | Buffer)[] {
    const times = [`${this.#kind}${clock.entryTime()}`, padTime(clock.latestTime())];
    return [...times, this.#counts.join(' '), ...this.#bodies];
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

function isLarge(body: Body): boolean {
  // The length in bytes is at most three times that in characters.
  if (typeof body !== 'string') return body.byteLength > LARGE_BODY_BYTES;
  return body.length > LARGE_BODY_BYTES / 3 && Buffer.byteLength(body) > LARGE_BODY_BYTES;
}

function padTime(time: number): string {
  return String(time).padStart(AT_WIDTH, '0');
}
