import { expect } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import type { Timeline } from '../../src/types.js';

/** Several callers that append one message after another, each with a key and until it is acknowledged. */
export class Writer {
  readonly acknowledged = new Map<string, bigint>();
  unknown = 0;
  readonly #timeline: Timeline<string>;
  readonly #name: string;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(timeline: Timeline<string>, name: string, callers: number) {
    this.#timeline = timeline;
    this.#name = name;
    this.#running = Promise.all(Array.from({ length: callers }, (_, caller) => this.#run(caller))).then(() => {});
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(caller: number): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) await this.#append(`${this.#name}-${caller}-${i}`);
  }

  async #append(message: string): Promise<void> {
    while (!this.#isStopped) {
      try {
        const { seqId } = await this.#timeline.append(message, { key: message });
        this.acknowledged.set(message, seqId);
        return;
      } catch (error) {
        this.unknown++;
        if ((error as TimelineError).code === 'TIMELINE_CONFLICT') throw error;
      }
    }
  }
}

/** Follows a Timeline. When its position is refused it notes the code, and starts again in a new segment. */
export class Follower {
  segments: { seqId: bigint; message: string }[][] = [[]];
  readonly refusals: string[] = [];
  readonly #timeline: Timeline<string>;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(timeline: Timeline<string>) {
    this.#timeline = timeline;
    this.#running = this.#run();
  }

  get last(): bigint {
    return this.segments.at(-1)?.at(-1)?.seqId ?? 0n;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        for await (const { seqId, message } of this.#timeline.subscribe({ signal: this.#abort.signal })) {
          this.segments.at(-1)?.push({ seqId, message });
        }
      } catch (error) {
        const { code } = error as TimelineError;
        if (code === 'TIMELINE_ABORTED') return;
        if (code !== 'TIMELINE_ROLLED_BACK' && code !== 'TIMELINE_EPOCH_CHANGED') throw error;
        this.refusals.push(code);
        this.segments.push([]);
      }
    }
  }
}

export async function readAll(timeline: Timeline<string>): Promise<{ seqId: bigint; message: string }[]> {
  const entries = [];
  for await (const { seqId, message } of timeline.scan()) entries.push({ seqId, message });
  return entries;
}

export function expectDense(entries: readonly { seqId: bigint }[]): void {
  entries.forEach(({ seqId }, i) => {
    if (seqId !== BigInt(i + 1)) throw new Error(`entry ${i} has SeqId ${seqId}`);
  });
}

export function expectEachOnce(entries: readonly { message: string }[]): void {
  expect(new Set(entries.map(({ message }) => message)).size).toBe(entries.length);
}

/** Each acknowledged message is there once, at the SeqId that was acknowledged, and no SeqId is missing. */
export function expectAllOf(writer: Writer, entries: readonly { seqId: bigint; message: string }[]): void {
  expectDense(entries);
  expectEachOnce(entries);
  for (const [message, seqId] of writer.acknowledged) expect(entries[Number(seqId) - 1]?.message).toBe(message);
}
