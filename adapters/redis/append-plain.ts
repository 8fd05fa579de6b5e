import type { Body, Payload, Write, WriteOutcome } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { ENTRIES_PER_SCRIPT, type Group, TIMELINES_PER_SCRIPT } from './append-plan.js';
import { asArgument } from './client.js';
import { epochIn, seqId } from './head.js';
import type { LibraryContext } from './library.js';
import { LARGE, TIME_WIDTH } from './scripts/state.js';

/**
 * One call of the plain script: Timelines of one slot, whose bodies are of one kind, and either each one's own or all
 * the same.
 */
export class PlainChunk {
  readonly groups: Group[] = [];
  readonly keys: string[] = [];
  readonly #counts: number[] = [];
  readonly #bodies: (string | Buffer)[] = [];
  #kind = 't';
  #shared: Payload | undefined;

  constructor(private readonly cluster: boolean) {}

  /** False if the chunk is full, or the writes do not fit to the others in it; if it is empty, they are not plain. */
  add(group: Group, writes: readonly Write[]): boolean {
    if (this.groups.length >= TIMELINES_PER_SCRIPT || this.#bodies.length >= ENTRIES_PER_SCRIPT) return false;
    const payloads = plainPayloads(group, writes);
    const [first] = payloads;
    if (!first) return false;
    const kind = typeof first.body === 'string' ? 't' : 'b';
    const shared = first.shared ? first : undefined;
    if (this.groups.length === 0) {
      this.#kind = kind;
      this.#shared = shared;
    } else if (this.#kind !== kind || this.#shared !== shared) return false;
    if (!shared || this.groups.length === 0) for (const { body } of payloads) this.#bodies.push(asArgument(body));
    this.groups.push(group);
    this.#counts.push(payloads.length);
    this.keys.push(group.keys.stream);
    if (this.cluster) this.keys.push(group.keys.meta);
    return true;
  }

  args({ clock }: LibraryContext): (string | Buffer)[] {
    const single = this.#bodies.length === this.groups.length;
    const counts = this.#shared ? '*' : single ? '' : this.#counts.join(' ');
    const latest = String(clock.latestTime()).padStart(TIME_WIDTH, '0');
    return [`${this.#kind}${clock.entryTime()}`, counts, latest, ...this.#bodies];
  }

  /** Resolves to the Timelines where nothing was written, because something was not as the script expects. */
  settle(writes: readonly Write[], answers: string, outcomes: WriteOutcome[]): Group[] {
    const left: Group[] = [];
    const lines = answers.split('\n');
    for (let i = 0; i < this.groups.length; i++) {
      const [group, line] = [this.groups[i] as Group, lines[i] as string];
      if (line === '') left.push(group);
      else if (line.startsWith('!')) fail(group, line.slice(1), outcomes);
      else fulfil(group, line, this.#counts[i] as number, writes, outcomes);
    }
    return left;
  }
}

/**
 * Nothing if any entry has more than a body or a large one, if kinds are mixed, or if bodies are shared between
 * Timelines that get several.
 */
function plainPayloads({ places }: Group, writes: readonly Write[]): Payload[] {
  const payloads: Payload[] = [];
  for (const place of places) {
    const { entries, expectedLast } = writes[place] as Write;
    if (expectedLast !== undefined) return [];
    for (const { payload, key, seqId: chosen } of entries) {
      if (key !== undefined || chosen !== undefined || isLarge(payload.body)) return [];
      payloads.push(payload);
    }
  }
  const [first] = payloads;
  const kind = typeof first?.body;
  const fits = ({ body, shared }: Payload) => typeof body === kind && !shared;
  return payloads.length === 1 || payloads.every(fits) ? payloads : [];
}

function isLarge(body: Body): boolean {
  // The length in bytes is at most three times that in characters.
  if (typeof body !== 'string') return body.byteLength > LARGE;
  return body.length > LARGE / 3 && Buffer.byteLength(body) > LARGE;
}

/** All entries of the group were appended one after another, up to the last SeqId of the new state. */
function fulfil(group: Group, state: string, count: number, writes: readonly Write[], outcomes: WriteOutcome[]): void {
  const epoch = epochIn(state);
  let next = seqId(state.slice(0, state.indexOf(' '))) - BigInt(count - 1);
  for (const place of group.places) {
    const entries = (writes[place] as Write).entries.map(() => ({ seqId: next++, duplicate: false }));
    outcomes[place] = { ok: true, epoch, entries };
  }
}

function fail({ places }: Group, problem: string, outcomes: WriteOutcome[]): void {
  const message = `Redis gave up within an append: ${problem}`;
  const error = new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome: 'unknown' });
  for (const place of places) outcomes[place] = { ok: false, error };
}
