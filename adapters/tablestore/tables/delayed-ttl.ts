import { pause } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { Ends } from '../read/bounds.js';
import type { Directory } from './timeline-rows.js';

/** By then every process has seen that there is a TTL, and notes the last SeqId of what it appends. */
const FOLLOWED_MS = 30_000;
const TIMELINES_PER_PAGE = 100;

/**
 * Law No reuse: a library that was for ever gets a TTL. Of each Timeline the last SeqId is noted before the table may remove its entries;
 * until then they are hidden only. Goes on with the next opening if the process ends before.
 */
export class Limiter {
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
    private readonly ends: Ends,
    private readonly limit: () => Promise<void>,
  ) {
    this.#begin();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.#timer = setTimeout(() => {
      this.#run().catch(() => this.#begin());
    }, FOLLOWED_MS).unref();
  }

  async #run(): Promise<void> {
    const { epoch } = this.context;
    let after: string | undefined;
    do {
      const call = this.context.requests.transport.newCall();
      const range = { prefix: '', limit: TIMELINES_PER_PAGE, ...(after !== undefined && { after }) };
      const timelines = await this.directory.list(range, call);
      await Promise.all(timelines.map((timeline) => this.#note(timeline)));
      after = timelines.at(-1);
      await pause(0);
      if (this.#isClosed || this.context.epoch !== epoch || this.context.ttlMs === undefined) return;
    } while (after !== undefined);
    await this.limit();
  }

  async #note(timeline: string): Promise<void> {
    const call = this.context.requests.transport.newCall();
    const { seqId } = await this.ends.tail(this.context.state(timeline), call);
    if (seqId === 0n) return;
    const [result] = await this.context.requests.write([this.directory.tail(timeline, seqId)], call);
    if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
  }
}
