import { jitter, reasonOf } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { RecentMap } from '../shared/listing.js';
import { ConversationOutbox } from './conversation-outbox.js';
import { OwnNotes } from './own-notes.js';
import { PositionPoller } from './position-poller.js';
import { Recovery } from './recovery.js';
import { Turn } from './turn.js';

const MAX_OUTBOXES = 5000;
const DAY_MS = 24 * 3600 * 1000;
/** Looks of several processes drift apart: each comes up to this part of the time earlier. */
const LOOK_SPREAD = 0.2;

export interface FanOutOptions {
  readonly leaseMs: number;
  /** 0: this process looks only when `recover()` is called. */
  readonly recoverEveryMs: number;
  /** Other work that looks at all Timelines of the store library: runs after all conversations were compared. */
  readonly afterComparing: (() => Promise<void>) | undefined;
}

/** The outboxes of all conversations that this process uses, and the work that dead processes left. */
export class FanOut<M> {
  readonly notes: OwnNotes<M>;
  readonly #context: Context<M>;
  readonly #options: FanOutOptions;
  readonly #outboxes = new RecentMap<string, ConversationOutbox<M>>(MAX_OUTBOXES);
  readonly #poller: PositionPoller<M>;
  readonly #recovery: Recovery<M>;
  readonly #recoveries = new Set<Promise<unknown>>();
  #lookTimer: NodeJS.Timeout | undefined;
  readonly #tidyTimer: NodeJS.Timeout;
  #comparedAllAt = performance.now();

  constructor(context: Context<M>, options: FanOutOptions) {
    this.#context = context;
    this.#options = options;
    this.notes = new OwnNotes(context.state, options.leaseMs);
    this.#poller = new PositionPoller(context.fanOutPositions);
    this.#recovery = new Recovery(context, (conversation) => this.outboxOf(conversation));
    context.closing.addEventListener('abort', () => this.#poller.interrupt());
    this.#tidyTimer = setInterval(
      () => void this.#tidy({ all: false }).catch(() => undefined),
      options.leaseMs,
    ).unref();
    this.#scheduleLook();
  }

  /** Returns the outbox of a conversation, made if absent. An outbox with work left is never dropped. */
  outboxOf(conversation: string): ConversationOutbox<M> {
    const { leaseMs } = this.#options;
    const turn = () => new Turn(this.#context, conversation, this.#poller, leaseMs);
    return this.#outboxes.use(
      conversation,
      () => new ConversationOutbox(this.#context, conversation, turn()),
      (outbox) => !outbox.isDone,
    );
  }

  /** Finishes what dead processes left: in noted conversations, or with `all` in every one. */
  recover({ all }: { readonly all: boolean }): Promise<number> {
    return this.#track(this.#recover(all));
  }

  /** Lets fan-outs end, publishes their positions and deletes the notes of this process. */
  async close(): Promise<void> {
    clearTimeout(this.#lookTimer);
    clearInterval(this.#tidyTimer);
    // Recoveries wait for inboxes that may be out of reach. They end as outboxes give up, and then add no more.
    for (const outbox of this.#outboxes.values()) await outbox.drain();
    await Promise.allSettled(this.#recoveries);
    for (const outbox of this.#outboxes.values()) await outbox.drain();
    await this.#tidy({ all: true });
  }

  async #recover(all: boolean): Promise<number> {
    await this.#context.fanOutPositions.flush();
    if (!all) return this.#recovery.recoverNoted();
    const resumed = await this.#recovery.recoverAll();
    await this.#options.afterComparing?.();
    return resumed;
  }

  #scheduleLook(): void {
    const { recoverEveryMs } = this.#options;
    if (recoverEveryMs === 0 || this.#context.closing.aborted) return;
    this.#lookTimer = setTimeout(
      () => {
        void this.#track(this.#look()).finally(() => this.#scheduleLook());
      },
      jitter(recoverEveryMs, LOOK_SPREAD),
    ).unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#recovery.look();
      await this.#compareAllDaily();
    } catch (error) {
      if (this.#context.closing.aborted) return;
      const message = `looking for work that was left failed: ${reasonOf(error)}`;
      this.#context.warn({ code: 'recovery-waits', message });
    }
  }

  async #compareAllDaily(): Promise<void> {
    if (performance.now() - this.#comparedAllAt < DAY_MS || !this.#context.store.capabilities.timelines) return;
    this.#comparedAllAt = performance.now();
    await this.#recovery.recoverAll();
    await this.#options.afterComparing?.();
  }

  async #tidy(options: { readonly all: boolean }): Promise<void> {
    const isDone = (conversation: string) => this.#outboxes.get(conversation)?.isDone ?? true;
    const finished = await this.notes.takeFinished(isDone, options);
    try {
      // A note may go once the position says that nothing is left to do.
      await this.#context.fanOutPositions.flush();
    } catch (error) {
      this.notes.putBack(finished);
      throw error;
    }
    await this.notes.delete(finished);
    if (options.all && this.notes.hasWritten) await this.#recovery.compact();
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#recoveries.delete(tracked));
    this.#recoveries.add(tracked);
    return tracked;
  }
}
