import { isTimelineError } from '../../src/index.js';
import { BatchIterator, throwIfAborted, withJson } from '../../src/toolkit/index.js';
import { DeviceWatch } from '../device/device-watch.js';
import { type Context, checkOpen } from '../shared/context.js';
import type { ConversationSummary } from '../types.js';
import { type ChangedConversation, ChangedConversations } from './changed-conversations.js';
import type { ConversationList } from './conversation-list.js';

/** Summaries that are made at once. */
const BATCH = 50;
const MAX_OUTAGE_PAUSE_MS = 5000;

/** The live changes of users' conversation lists. */
export class ConversationChanges<M> {
  readonly #context: Context<M>;
  readonly #list: ConversationList<M>;
  /** Streams that are finding their start, by user. */
  readonly #starting = new Map<string, Set<Promise<unknown>>>();

  constructor(context: Context<M>, list: ConversationList<M>) {
    this.#context = context;
    this.#list = list;
  }

  /** Resolves once every stream of the user that was asked for before has found its start. */
  async started(user: string): Promise<void> {
    await Promise.allSettled(this.#starting.get(user) ?? []);
  }

  of(user: string, signal: AbortSignal | undefined, atMost: number): BatchIterator<ConversationSummary<M>> {
    const watch = new DeviceWatch([signal, this.#context.closing]);
    let hasEnded = false;
    const end = () => {
      hasEnded = true;
      watch.stop();
    };
    const next = this.#nextBatch(user, { watch, signal, atMost }, () => hasEnded);
    return new BatchIterator(next, { signal, end });
  }

  /** Looks until there is a change, then waits for a hint, at most `pollMs`: hints may be lost. */
  #nextBatch(
    user: string,
    {
      watch,
      signal,
      atMost,
    }: { readonly watch: DeviceWatch; readonly signal?: AbortSignal | undefined; readonly atMost: number },
    hasEnded: () => boolean,
  ): () => Promise<ConversationSummary<M>[] | undefined> {
    const { pollMs, warn } = this.#context;
    const changed = new ChangedConversations(this.#context, user);
    let start: Promise<void> | undefined = this.#track(user, changed.start());
    return async () => {
      for (let failures = 0; !hasEnded(); ) {
        throwIfAborted(signal);
        checkOpen(this.#context);
        watch.clear();
        try {
          start ??= changed.start();
          await start.catch((error: unknown) => {
            start = undefined;
            throw error;
          });
          const some = await changed.look(BATCH);
          failures = 0;
          if (some.length > 0) {
            const summaries = await this.#summaries(user, some, atMost);
            for (const each of some) changed.delete(each);
            return summaries;
          }
          this.#follow(watch, changed);
          await watch.wait(pollMs);
        } catch (error) {
          if (!isTimelineError(error) || !error.retryable) throw error;
          if (++failures === 1) warn({ code: 'changes-wait', message: `a list waits for its store: ${error.message}` });
          await watch.wait(Math.min(MAX_OUTAGE_PAUSE_MS, pollMs * 2 ** failures));
        }
      }
      return undefined;
    };
  }

  async #summaries(
    user: string,
    changed: readonly ChangedConversation[],
    atMost: number,
  ): Promise<ConversationSummary<M>[]> {
    const summaries = await this.#list.summariesOf(user, changed, atMost);
    return summaries.map((summary, i) => {
      if (!changed[i]?.hasLeft) return summary;
      // Later messages are not for the user.
      const { last: _, ...rest } = summary;
      return withJson({ ...rest, unread: 0, mentions: 0, capped: false, left: true as const });
    });
  }

  #follow(watch: DeviceWatch, { watched }: ChangedConversations<M>): void {
    const { store, sync, state } = this.#context;
    watch.follow([
      { store: sync, ids: [watched.inbox] },
      { store: state, ids: [watched.state] },
      { store, ids: watched.store },
    ]);
  }

  #track(user: string, start: Promise<void>): Promise<void> {
    const starts = this.#starting.get(user) ?? new Set();
    this.#starting.set(user, starts.add(start));
    const forget = () => {
      starts.delete(start);
      if (starts.size === 0 && this.#starting.get(user) === starts) this.#starting.delete(user);
    };
    start.then(forget, forget);
    return start;
  }
}
