import type { Call, Cut } from '../../src/adapter.js';
import type { TimelineError } from '../../src/errors.js';
import type { LibraryContext } from './library.js';
import { away, refusal } from './redis-errors.js';
import { PURGE_OVERLAY, SETTLE } from './scripts/settle.js';

/** Bits of an answer. */
const MORE = 1;
const OVERLAY = 2;
const FREED = 4;

type CutArgument = readonly ['through' | 'keepLast', string];

export interface Settled {
  /** Where there is more to remove. */
  readonly more: string[];
  /** Where anything was removed. */
  readonly freed: string[];
  /** Where versions of entries that are gone are left. */
  readonly overlays: string[];
  /** What could not be settled, and why. */
  readonly failed: Map<string, TimelineError>;
}

/** Brings the states of Timelines up to what has expired, was trimmed or was lost; see the script. */
export class Settler {
  readonly #library: LibraryContext;

  constructor(library: LibraryContext) {
    this.#library = library;
  }

  async settle(timelines: Iterable<string>, call: Call, cut?: CutArgument): Promise<Settled> {
    const { keys, connections } = this.#library;
    const slots = new Map<number, string[]>();
    for (const timeline of new Set(timelines)) {
      const slot = keys.slot(timeline);
      slots.set(slot, [...(slots.get(slot) ?? []), timeline]);
    }
    const settled: Settled = { more: [], freed: [], overlays: [], failed: new Map() };
    const scripts = [...slots.values()].map(async (group) => {
      const declared = group.map((timeline) => keys.declare(timeline, ['m', 'u']));
      const args = [this.#library.born(), ...this.#library.expiry(), declared[0]?.length ?? 1, ...(cut ?? [])];
      const answers = (await connections.change(SETTLE, declared.flat(), args, call)) as (string | number)[];
      group.forEach((timeline, i) => {
        const answer = answers[i] as string | number;
        if (typeof answer === 'string' && answer.startsWith('!')) {
          const error = refusal(answer.slice(1));
          connections.heed(error, declared[i]?.[0] as string);
          settled.failed.set(timeline, error);
          return;
        }
        if (Number(answer) & MORE) settled.more.push(timeline);
        if (Number(answer) & FREED) settled.freed.push(timeline);
        if (Number(answer) & OVERLAY) settled.overlays.push(timeline);
      });
    });
    await Promise.all(scripts);
    return settled;
  }

  /** Removes some of what has expired; resolves with the Timelines where anything was. */
  async free(timelines: Iterable<string>, call: Call): Promise<ReadonlySet<string>> {
    try {
      return new Set((await this.settle(timelines, call)).freed);
    } catch {
      return new Set();
    }
  }

  /** For those who cannot go on otherwise. */
  async settleAll(timelines: Iterable<string>, call: Call): Promise<void> {
    const { failed } = await this.settle(timelines, call);
    for (const error of failed.values()) throw error;
    if (performance.now() >= call.deadline) throw away('there was no time left to remove what has expired');
  }

  /** Removes the versions of entries that are gone, in steps. */
  async purgeOverlay(timeline: string, call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const declared = keys.declare(timeline, ['m', 'u']);
    let [cursor, first] = ['0', ''];
    do {
      const answer = (await connections.change(
        PURGE_OVERLAY,
        declared,
        [this.#library.born(), cursor, first],
        call,
      )) as string;
      [cursor, first] = answer.split(' ') as [string, string];
    } while (cursor !== '0' && performance.now() < call.deadline);
  }

  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    const how: CutArgument = 'through' in cut ? ['through', String(cut.through)] : ['keepLast', String(cut.keepLast)];
    let { more, failed } = await this.settle([timeline], call, how);
    for (const error of failed.values()) throw error;
    // It is gone for readers; what is left goes with the next sweep if there is no time now.
    while (more.length > 0 && performance.now() < call.deadline) ({ more, failed } = await this.settle(more, call));
  }
}
