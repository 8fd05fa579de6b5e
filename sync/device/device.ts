import { type Abortable, type Cursor, isTimelineError } from '../../src/index.js';
import {
  BatchIterator,
  checkCount,
  checkFunction,
  checkOptions,
  describeValue,
  INSPECT,
  inspected,
  invalidArgument,
  type OptionNames,
  throwIfAborted,
} from '../../src/toolkit/index.js';
import { advanceOrReset } from '../shared/checkpoints.js';
import { type Context, checkOpen } from '../shared/context.js';
import { readerOf, timelineOf } from '../shared/names.js';
import type { Device, DeviceSubscribeOptions, PullPage, SyncMessage } from '../types.js';
import { decodeCursor, signerFor } from './device-cursor.js';
import { DeviceLog } from './device-log.js';
import { type DeviceIdentity, DeviceReader } from './device-reader.js';
import { DeviceWatch } from './device-watch.js';
import { mergedLosses } from './lost-entries.js';
import type { Loss } from './stream-page.js';
import { UnmarkedConversations } from './unmarked-conversations.js';

const MAX_PULL = 10_000;
const DEFAULT_LIMIT = 100;
const MAX_LAST_MESSAGES = 1000;
const MAX_OUTAGE_PAUSE_MS = 5000;
const PULL: OptionNames<{ readonly limit?: number } & Abortable> = { limit: true, signal: true };
const SUBSCRIBE: OptionNames<DeviceSubscribeOptions> = { signal: true, onCaughtUp: true, pageSize: true };

/** A device whose position is kept in the libraries, so that any process can serve it. */
export class SyncDevice<M> implements Device<M> {
  readonly user: string;
  readonly device: string;
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #log: DeviceLog<M>;
  readonly #unmarked: UnmarkedConversations<M>;
  #loading: Promise<unknown> | undefined;

  constructor(context: Context<M>, identity: DeviceIdentity) {
    this.user = identity.user;
    this.device = identity.device;
    this.#identity = identity;
    this.#context = context;
    this.#log = new DeviceLog(context.state, this.user, this.device);
    this.#unmarked = new UnmarkedConversations(context, this.user);
  }

  async pull(options?: { readonly limit?: number | undefined } & Abortable): Promise<PullPage<M>> {
    const { signal, limit: most = DEFAULT_LIMIT } = checkOptions(options, PULL);
    const limit = checkCount(most, 'limit', { most: MAX_PULL });
    throwIfAborted(signal);
    const reader = await this.#open();
    const messages: SyncMessage<M>[] = [];
    const losses: Loss[] = [];
    for (let emptyReads = 0; ; ) {
      throwIfAborted(signal);
      const read = await reader.read(limit - messages.length);
      if (read.restarted) messages.length = losses.length = 0;
      messages.push(...read.messages);
      losses.push(...read.truncated);
      emptyReads = read.hasAdvanced ? 0 : emptyReads + 1;
      // An inbox entry may wait for a conversation's entry that is not visible yet. A later pull hands both over.
      if (read.upToDate || messages.length >= limit || emptyReads > 1) {
        const truncated = mergedLosses(losses);
        const { cursor, resynced } = reader;
        return { messages, cursor, upToDate: read.upToDate, resynced, ...(truncated.length > 0 && { truncated }) };
      }
    }
  }

  async ack(cursor: Cursor): Promise<void> {
    checkOpen(this.#context);
    const { secret } = await this.#context.settings();
    const { generation, inbox, conversations, isComplete, resynced } = decodeCursor(signerFor(secret, this), cursor);
    await this.#load();
    // The log in memory may be old: another process may have resynced the device.
    const isTold = resynced && (this.#log.isResyncPending || generation > this.#log.generation);
    // An inbox without entries has no position. The record keeps the device known for its TTL.
    const isFirst = !this.#log.isKnown && (inbox === undefined || inbox.endsWith('.0'));
    const isCompleted = isComplete && !this.#log.isComplete;
    const needsRecord = conversations.size > 0 || isTold || isFirst || isCompleted;
    // One record holds both positions, for a crash before the checkpoint: conversation positions follow from markers in
    // the inbox. The checkpoint comes last: a device that is told of its resync again drops what it has from the inbox.
    const marks = { ...(isCompleted && { isComplete }), ...(isTold && { told: true as const }) };
    if (needsRecord) await this.#log.add({ generation, conversations, inbox, ...marks });
    const checkpoint = { timeline: this.user, reader: readerOf.device(this.device) };
    if (inbox) await advanceOrReset(this.#context.sync, { ...checkpoint, to: inbox });
  }

  subscribe(options?: DeviceSubscribeOptions): BatchIterator<SyncMessage<M>> {
    return BatchIterator.from(() => {
      const { signal, onCaughtUp, pageSize = DEFAULT_LIMIT } = checkOptions(options, SUBSCRIBE);
      checkFunction(onCaughtUp, 'onCaughtUp');
      checkCount(pageSize, 'pageSize', { most: MAX_PULL });
      const watch = new DeviceWatch([signal, this.#context.closing]);
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
        watch.stop();
      };
      return new BatchIterator(
        this.#nextBatch(watch, { signal, onCaughtUp, pageSize }, () => hasEnded),
        { signal, end },
      );
    });
  }

  /** Reads until nothing is left, then waits for a hint, at most `pollMs`: hints may be lost. */
  #nextBatch(
    watch: DeviceWatch,
    { signal, onCaughtUp, pageSize }: DeviceSubscribeOptions & { readonly pageSize: number },
    hasEnded: () => boolean,
  ): () => Promise<SyncMessage<M>[] | undefined> {
    const { pollMs, warn } = this.#context;
    let reader: DeviceReader<M> | undefined;
    let isCaughtUp = false;
    return async () => {
      for (let failures = 0; !hasEnded(); ) {
        throwIfAborted(signal);
        checkOpen(this.#context);
        watch.clear();
        try {
          reader ??= await this.#open();
          const { messages, upToDate, hasAdvanced } = await reader.read(pageSize);
          failures = 0;
          if (messages.length > 0) return messages;
          this.#followIn(watch, reader);
          if (upToDate && !isCaughtUp) {
            isCaughtUp = true;
            onCaughtUp?.();
          }
          if (upToDate || !hasAdvanced) await watch.wait(pollMs);
        } catch (error) {
          if (!isTimelineError(error) || !error.retryable) throw error;
          if (++failures === 1)
            warn({ code: 'device-waits', message: `a device waits for its store: ${error.message}` });
          await watch.wait(Math.min(MAX_OUTAGE_PAUSE_MS, pollMs * 2 ** failures));
        }
      }
      return undefined;
    };
  }

  #followIn(watch: DeviceWatch, reader: DeviceReader<M>): void {
    const { store, sync, state } = this.#context;
    watch.follow([
      { store: sync, ids: [this.user] },
      { store: state, ids: [timelineOf.memberships(this.user)] },
      { store, ids: reader.followed },
    ]);
  }

  [INSPECT](): object {
    return inspected('Device', { user: this.user, device: this.device });
  }

  async #open(): Promise<DeviceReader<M>> {
    await this.#load();
    return DeviceReader.open(this.#context, this.#identity, this.#log, this.#unmarked);
  }

  async #load(): Promise<void> {
    checkOpen(this.#context);
    this.#loading ??= this.#log.refresh();
    await this.#loading.catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }
}

export function checkStart(start: DeviceIdentity['start']): DeviceIdentity['start'] {
  if (start === 'oldest' || start === 'now') return start;
  if (typeof start !== 'object' || start === null) {
    throw invalidArgument('start', `must be 'oldest', 'now' or { last }, not ${describeValue(start)}`);
  }
  checkCount(start.last, 'start.last', { least: 0, most: MAX_LAST_MESSAGES });
  return start;
}
