import { isTimelineError } from '../../../src/errors.js';
import type { Host, World } from './world.js';

/** An answer; `undefined` if the process died or ended first, or if an injected fault failed the call. */
export type Answer<T> = { readonly value: T } | undefined;

/** Calls of processes that may die before they answer. */
export class Attempts {
  readonly violations: string[] = [];
  /** The number of commands so far that change data or inject faults. */
  changes = 0;
  /** The value of {@link changes} when nothing was under way any more. */
  quietAt = -1;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async run<T>(host: Host, what: string, call: () => Promise<T>): Promise<Answer<T>> {
    const step = this.#world.note(`${what} in ${host.name}`);
    const answered = call().then(
      (value) => ({ value, end: nameOf(value) }),
      (error: unknown) => ({ error, end: String(error) }),
    );
    const first = await Promise.race([answered, host.gate.died.then(() => ({ end: 'nothing' }))]);
    this.#world.note(`${step} → ${first.end}`);
    if ('error' in first && !this.isExcused(first.error)) {
      this.violations.push(`unexpected: ${first.error instanceof Error ? first.error.stack : first.error}`);
    }
    return 'value' in first ? first : undefined;
  }

  /** Only the end of a process and injected faults may fail a call. */
  isExcused(error: unknown): boolean {
    if (!isTimelineError(error)) return false;
    if (error.code === 'TIMELINE_CLOSED' || error.code === 'TIMELINE_ABORTED') return true;
    return error.message.includes('injected fault');
  }
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'seqId' in value ? String(value.seqId) : 'done';
}
