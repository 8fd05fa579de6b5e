import { seqIdOf } from '../../src/cursor.js';
import type { Context } from '../shared/context.js';
import { RecentMap } from '../shared/listing.js';
import { timelineOf } from '../shared/names.js';
import { ConversationOutbox } from './conversation-outbox.js';
import { bury, type LeftWork, leftWork, WorkLog } from './work-log.js';

/** Idle outboxes beyond this number are dropped from memory. */
const MAX_OUTBOXES = 5000;
const CONVERSATIONS_PER_CALL = 500;
/** Conversations that are resumed at once. */
const MAX_RESUMED_AT_ONCE = 16;
const TIDY_EVERY_MS = 1000;

/** The outboxes of all conversations that this process fans out, and the takeover of work that other processes left. */
export class FanOut<M> {
  readonly work: WorkLog<M>;
  readonly #context: Context<M>;
  readonly #leaseMs: number;
  readonly #outboxes = new RecentMap<string, ConversationOutbox<M>>(MAX_OUTBOXES);
  /** Other processes: their last sign of life, and when this one first saw it. */
  readonly #signs = new Map<string, { lastSeqId: bigint; seenAt: number }>();
  #watch: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #tidying: Promise<void> | undefined;
  #tidiedAt = 0;
  readonly #recoveries = new Set<Promise<number>>();

  constructor(context: Context<M>, options: { leaseMs: number; recoverEveryMs: number }) {
    this.#context = context;
    this.#leaseMs = options.leaseMs;
    this.work = new WorkLog(context.store, options.leaseMs);
    if (options.recoverEveryMs === 0) return;
    const look = () => {
      this.#looking ??= this.#lookAround().finally(() => {
        this.#looking = undefined;
      });
    };
    this.#watch = setInterval(look, options.recoverEveryMs).unref();
  }

  /** Returns the outbox of a conversation, made if absent. An outbox with work left is never dropped. */
  outboxOf(conversation: string): ConversationOutbox<M> {
    return this.#outboxes.use(
      conversation,
      () => new ConversationOutbox(this.#context, conversation),
      (outbox) => !outbox.isDone,
    );
  }

  /** Shortens the list of conversations in use, once it is long. At most once a second. */
  tidy(): void {
    if (performance.now() - this.#tidiedAt < TIDY_EVERY_MS || this.#tidying) return;
    this.#tidiedAt = performance.now();
    this.#tidying = this.#tidy({ all: false })
      .catch(() => undefined)
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  async recover(): Promise<number> {
    const recovery = leftWork(this.#context.store, this.work.names).then((left) => this.#resume(left));
    this.#recoveries.add(recovery);
    return recovery.finally(() => this.#recoveries.delete(recovery));
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#tidying;
    // Recoveries may wait for inboxes out of reach. They end when the outboxes give up, and add no work after that.
    for (const outbox of this.#outboxes.values()) await outbox.drain();
    await Promise.allSettled([this.#looking, ...this.#recoveries]);
    for (const outbox of this.#outboxes.values()) await outbox.drain();
    try {
      await this.#tidy({ all: true });
    } finally {
      await this.work.end();
    }
  }

  async #tidy(options: { all: boolean }): Promise<void> {
    await this.#context.fanOutPositions.flush();
    await this.work.tidy((conversation) => this.#outboxes.get(conversation)?.isDone ?? true, options);
  }

  async #resume(left: readonly LeftWork[]): Promise<number> {
    const conversations = [...new Set(left.flatMap((work) => work.conversations))];
    const queue: string[] = [];
    for (let i = 0; i < conversations.length; i += CONVERSATIONS_PER_CALL)
      queue.push(...(await this.#behind(conversations.slice(i, i + CONVERSATIONS_PER_CALL))));
    const resumed = queue.length;
    const workers = Array.from({ length: MAX_RESUMED_AT_ONCE }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.outboxOf(next).catchUp();
    });
    await Promise.all(workers);
    await this.#context.fanOutPositions.flush();
    return resumed;
  }

  async #behind(conversations: readonly string[]): Promise<string[]> {
    const { store, fanOutPositions } = this.#context;
    const [heads, cursors] = await Promise.all([store.heads(conversations), fanOutPositions.get(conversations)]);
    return conversations.filter((_, i) => {
      const cursor = cursors[i];
      return (heads[i]?.lastSeqId ?? 0n) > (cursor === undefined ? 0n : seqIdOf(cursor));
    });
  }

  /** Takes over from processes without a sign of life for two leases. Of several that try, one succeeds. */
  async #lookAround(): Promise<void> {
    try {
      const now = performance.now();
      for (const work of await leftWork(this.#context.store, this.work.names)) {
        const sign = this.#signs.get(work.process);
        if (!sign || sign.lastSeqId !== work.lastSeqId)
          this.#signs.set(work.process, { lastSeqId: work.lastSeqId, seenAt: now });
        else if (now - sign.seenAt > 2 * this.#leaseMs && (await this.#claim(work))) {
          await this.#resume([work]);
          await bury(this.#context.store, work);
          this.#signs.delete(work.process);
        }
      }
    } catch (error) {
      if (this.#context.closing.aborted) return;
      this.#context.warn({
        code: 'recovery-waits',
        message: `looking for work that was left failed: ${String(error)}`,
      });
    }
  }

  async #claim({ process, lastSeqId }: LeftWork): Promise<boolean> {
    const log = this.#context.store.timeline(timelineOf.work(process));
    const { duplicate } = await log.append({ kind: 'state', state: { alive: true } }, { key: `claim:${lastSeqId}` });
    return !duplicate;
  }
}
