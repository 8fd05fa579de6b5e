import { pause } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { BoundsReader } from '../read/bounds.js';
import type { TimelineRows } from './timeline-rows.js';

/** By then every process has read that there is a TTL, and records the last SeqId of its appends. */
const START_AFTER_MS = 30_000;
const TIMELINES_PER_PAGE = 100;

/**
 * Law No reuse, for a library that kept entries for ever and gets a TTL: records the last SeqId of every Timeline before
 * the table may remove entries. Until then expired entries are only hidden. If the process ends first, the next opening
 * starts again.
 */
export class DelayedTtl {
  readonly #context: Context;
  readonly #timelineRows: TimelineRows;
  readonly #bounds: BoundsReader;
  readonly #applyTtl: () => Promise<void>;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context, timelineRows: TimelineRows, bounds: BoundsReader, applyTtl: () => Promise<void>) {
    this.#context = context;
    this.#timelineRows = timelineRows;
    this.#bounds = bounds;
    this.#applyTtl = applyTtl;
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#run().catch(() => this.#schedule());
    }, START_AFTER_MS).unref();
  }

  async #run(): Promise<void> {
    const { epoch, requests, record } = this.#context;
    let after: string | undefined;
    do {
      const range = { prefix: '', limit: TIMELINES_PER_PAGE, ...(after !== undefined && { after }) };
      const timelines = await this.#timelineRows.list(range, requests.transport.newCall());
      await Promise.all(timelines.map((timeline) => this.#recordLast(timeline)));
      after = timelines.at(-1);
      await pause(0);
      if (this.#isClosed || this.#context.epoch !== epoch || record.ttlMs === undefined) return;
    } while (after !== undefined);
    await this.#applyTtl();
  }

  async #recordLast(timeline: string): Promise<void> {
    const { requests } = this.#context;
    const call = requests.transport.newCall();
    const { seqId } = await this.#bounds.readLast(this.#context.state(timeline), call);
    if (seqId === 0n) return;
    const [result] = await requests.write([this.#timelineRows.lastSeqIdUpdate(timeline, seqId)], call);
    if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
  }
}
