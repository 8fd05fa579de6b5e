import type { Call, Cut } from '../../src/adapter.js';
import type { TimelineError } from '../../src/errors.js';
import { chunkBySlot } from './connection/hash-slot.js';
import { toRefusal, unreachable } from './errors.js';
import type { Library } from './library.js';
import { APPLY_RETENTION, PURGE_OVERLAY } from './scripts.generated.js';

/** The bits of an answer. */
const MORE_TO_REMOVE = 1;
const OVERLAY_TO_PURGE = 2;
const REMOVED = 4;

export interface RetentionResult {
  /** Timelines with more to remove. */
  readonly more: string[];
  /** Timelines where entries were removed. */
  readonly removed: string[];
  /** Timelines whose overlay holds versions of entries that are gone. */
  readonly overlays: string[];
  readonly failed: Map<string, TimelineError>;
}

/** Makes the states of Timelines agree with what has expired, was trimmed or was lost, and removes it. */
export class Retention {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  /** One step: a Timeline may have more to remove afterwards. */
  async apply(timelines: Iterable<string>, call: Call, cut?: Cut): Promise<RetentionResult> {
    const { keys } = this.#library;
    const result: RetentionResult = { more: [], removed: [], overlays: [], failed: new Map() };
    const chunks = chunkBySlot(new Set(timelines), (timeline) => keys.of(timeline).slot);
    await Promise.all(chunks.map((chunk) => this.#applyToChunk(chunk, call, cut, result)));
    return result;
  }

  async #applyToChunk(
    chunk: readonly string[],
    call: Call,
    cut: Cut | undefined,
    { more, removed, overlays, failed }: RetentionResult,
  ): Promise<void> {
    const library = this.#library;
    const declared = chunk.map((timeline) => library.keys.declare(timeline, ['m', 'u']));
    const stride = declared[0]?.length ?? 1;
    const args = [library.newEpochSuffix(), ...library.expiryArguments(), stride, ...cutArguments(cut)];
    const script = library.connections.write.script(APPLY_RETENTION, declared.flat(), args, call);
    const answers = (await script) as (string | number)[];
    chunk.forEach((timeline, i) => {
      const answer = answers[i] as string | number;
      if (typeof answer === 'string' && answer.startsWith('!')) {
        const error = toRefusal(answer.slice(1));
        library.connections.reconnectIfMoved(error, declared[i]?.[0] as string);
        failed.set(timeline, error);
        return;
      }
      if (Number(answer) & MORE_TO_REMOVE) more.push(timeline);
      if (Number(answer) & REMOVED) removed.push(timeline);
      if (Number(answer) & OVERLAY_TO_PURGE) overlays.push(timeline);
    });
  }

  /** Removes some of what has expired. Resolves with the Timelines where anything was removed; never rejects. */
  async freeMemory(timelines: Iterable<string>, call: Call): Promise<ReadonlySet<string>> {
    try {
      return new Set((await this.apply(timelines, call)).removed);
    } catch {
      return new Set();
    }
  }

  /** For callers that need every state: rejects if one fails or there is no time left. */
  async applyToAll(timelines: Iterable<string>, call: Call): Promise<void> {
    const { failed } = await this.apply(timelines, call);
    for (const error of failed.values()) throw error;
    if (performance.now() >= call.deadline) throw unreachable('there was no time left to remove what has expired');
  }

  /** Removes the versions of entries that are gone, in steps. */
  async purgeOverlay(timeline: string, call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const declared = keys.declare(timeline, ['m', 'u']);
    let [cursor, first] = ['0', ''];
    do {
      const args = [this.#library.newEpochSuffix(), cursor, first];
      const answer = (await connections.write.script(PURGE_OVERLAY, declared, args, call)) as string;
      [cursor, first] = answer.split(' ') as [string, string];
    } while (cursor !== '0' && performance.now() < call.deadline);
  }

  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    let { more, failed } = await this.apply([timeline], call, cut);
    for (const error of failed.values()) throw error;
    // It is gone for readers. Without time left, the next sweep removes the rest.
    while (more.length > 0 && performance.now() < call.deadline) ({ more, failed } = await this.apply(more, call));
  }
}

function cutArguments(cut: Cut | undefined): string[] {
  if (cut === undefined) return [];
  return 'through' in cut ? ['through', String(cut.through)] : ['keepLast', String(cut.keepLast)];
}
