import { Sweeper } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';

/** By then every process has read that there is a TTL, and records the last SeqId of its appends. */
const START_AFTER_MS = 30_000;
const TIMELINES_PER_PAGE = 100;

/**
 * Law No reuse, for a library that kept entries for ever and gets a TTL: records the last SeqId of every Timeline
 * before the table may remove entries. Until then expired entries are only hidden. If the process ends first, the next
 * opening starts again.
 */
export class DelayedTtl {
  readonly #context: Context;
  readonly #applyTtl: () => Promise<void>;
  readonly #sweeper = new Sweeper({ step: () => this.#recordPage(), retryMs: START_AFTER_MS });
  #epoch: string | undefined;
  /** The last Timeline that is recorded. */
  #after: string | undefined;

  constructor(context: Context, applyTtl: () => Promise<void>) {
    this.#context = context;
    this.#applyTtl = applyTtl;
    this.#sweeper.start(START_AFTER_MS);
  }

  close(): void {
    void this.#sweeper.close();
  }

  async #recordPage(): Promise<number> {
    const { requests, record } = this.#context;
    this.#epoch ??= record.epoch;
    const range = { prefix: '', limit: TIMELINES_PER_PAGE, ...(this.#after !== undefined && { after: this.#after }) };
    const timelines = await this.#context.timelineRows.list(range, requests.transport.newCall());
    await Promise.all(timelines.map((timeline) => this.#recordLast(timeline)));
    this.#after = timelines.at(-1);
    const isObsolete = this.#context.record.epoch !== this.#epoch || record.ttlMs === undefined;
    if (!isObsolete && this.#after === undefined && !this.#sweeper.isClosed) await this.#applyTtl();
    if (isObsolete || this.#after === undefined) this.close();
    return 0;
  }

  async #recordLast(timeline: string): Promise<void> {
    const { requests } = this.#context;
    const call = requests.transport.newCall();
    const { seqId } = await this.#context.bounds.readLast(this.#context.state(timeline), call);
    if (seqId === 0n) return;
    const [result] = await requests.write([this.#context.timelineRows.lastSeqIdUpdate(timeline, seqId)], call);
    if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
  }
}
