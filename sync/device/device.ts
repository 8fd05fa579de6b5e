import { throwIfAborted } from '../../src/abort.js';
import { invalidArgument, isTimelineError } from '../../src/errors.js';
import { BatchIterator } from '../../src/iterate.js';
import { checkCount } from '../../src/range.js';
import { checkOptions, describe } from '../../src/text.js';
import type { Abortable, Cursor } from '../../src/types.js';
import { type Context, checkOpen } from '../shared/context.js';
import { readerOf, timelineOf } from '../shared/names.js';
import type { Device, PullPage, SyncMessage } from '../types.js';
import { DeviceBell } from './device-bell.js';
import { decodeProgress, sealOf } from './device-cursor.js';
import { DeviceLog } from './device-log.js';
import { type Owner, View } from './device-reader.js';

const MAX_PULL = 10_000;
const PAGE = 100;
const MAX_LAST = 1000;
const MAX_OUTAGE_PAUSE_MS = 5000;

export class SyncDevice<M> implements Device<M> {
  readonly user: string;
  readonly device: string;
  readonly #context: Context<M>;
  readonly #owner: Owner;
  readonly #log: DeviceLog<M>;
  readonly #byInbox = new Map<string, bigint>();
  #loading: Promise<unknown> | undefined;

  constructor(context: Context<M>, owner: Owner) {
    this.user = owner.user;
    this.device = owner.device;
    this.#owner = owner;
    this.#context = context;
    this.#log = new DeviceLog(context.store, this.user, this.device);
  }

  async pull(options: { readonly limit?: number | undefined } & Abortable = {}): Promise<PullPage<M>> {
    const { signal } = checkOptions(options);
    const limit = checkCount(options.limit ?? PAGE, 'limit', { most: MAX_PULL });
    throwIfAborted(signal);
    const view = await this.#open();
    const messages: SyncMessage<M>[] = [];
    for (let idle = 0; ; ) {
      throwIfAborted(signal);
      const seen = await view.read(limit - messages.length);
      if (seen.startsAnew) messages.length = 0;
      messages.push(...seen.messages);
      idle = seen.hasMoved ? 0 : idle + 1;
      // What waits for an entry that is not visible yet is handed over by a later pull.
      if (seen.upToDate || messages.length >= limit || idle > 1) {
        return { messages, cursor: view.trail.cursor, upToDate: seen.upToDate, resynced: view.trail.resynced };
      }
    }
  }

  async ack(cursor: Cursor): Promise<void> {
    checkOpen(this.#context);
    const { secret } = await this.#context.settings();
    const { generation, inbox, places, resynced } = decodeProgress(sealOf(secret, this), cursor);
    await this.#load();
    // What is held here of the log may be old: another process may have rebuilt the device.
    const isTold = resynced && (this.#log.isUntold || generation > this.#log.generation);
    // An inbox without entries has no position to keep; that the device was here is kept all the same, for its TTL.
    const isFirst = !this.#log.isKnown && (inbox === undefined || inbox.endsWith('.0'));
    const record = places.size > 0 || isTold || isFirst;
    // In one record, for a crash behind it: markers stand in the inbox, and what they led to is kept as places. The inbox
    // afterwards, as a device that is told again to start anew throws away what came from there.
    if (record) await this.#log.add({ generation, places, inbox, ...(isTold && { told: true as const }) });
    if (inbox) await this.#moveInbox(inbox);
  }

  subscribe(options: Abortable = {}): BatchIterator<SyncMessage<M>> {
    return BatchIterator.from(() => {
      const { signal } = checkOptions(options);
      const bell = new DeviceBell([signal, this.#context.closing]);
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
        bell.stop();
      };
      return new BatchIterator(
        this.#live(bell, signal, () => hasEnded),
        { signal, end },
      );
    });
  }

  /** Reads until nothing is left, then waits for a hint and reads again from the same place: hints may be lost. */
  #live(
    bell: DeviceBell,
    signal: AbortSignal | undefined,
    hasEnded: () => boolean,
  ): () => Promise<SyncMessage<M>[] | undefined> {
    const { pollMs, warn } = this.#context;
    let view: View<M> | undefined;
    return async () => {
      for (let failures = 0; !hasEnded(); ) {
        throwIfAborted(signal);
        checkOpen(this.#context);
        bell.clear();
        try {
          view ??= await this.#open();
          const { messages, upToDate, hasMoved } = await view.read(PAGE);
          failures = 0;
          if (messages.length > 0) return messages;
          this.#watch(bell, view);
          if (upToDate || !hasMoved) await bell.wait(pollMs);
        } catch (error) {
          if (!isTimelineError(error) || !error.retryable) throw error;
          if (++failures === 1)
            warn({ code: 'device-waits', message: `a device waits for its store: ${error.message}` });
          await bell.wait(Math.min(MAX_OUTAGE_PAUSE_MS, pollMs * 2 ** failures));
        }
      }
      return undefined;
    };
  }

  #watch(bell: DeviceBell, view: View<M>): void {
    const { store, sync } = this.#context;
    bell.watch([
      { store: sync, ids: [this.user] },
      { store, ids: [timelineOf.memberships(this.user), ...view.followed] },
    ]);
  }

  async #open(): Promise<View<M>> {
    await this.#load();
    return View.open(this.#context, this.#owner, this.#log, this.#byInbox);
  }

  async #load(): Promise<void> {
    checkOpen(this.#context);
    this.#loading ??= this.#log.refresh();
    await this.#loading.catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  async #moveInbox(to: Cursor): Promise<void> {
    const checkpoint = this.#context.sync.timeline(this.user).checkpoint(readerOf.device(this.device));
    try {
      await checkpoint.advance(to);
    } catch (error) {
      // The store began a new life of the inbox, and this position, which was read there, is of that one.
      if (!isTimelineError(error) || error.code !== 'TIMELINE_EPOCH_CHANGED') throw error;
      await checkpoint.reset(to);
    }
  }
}

export function checkStart(start: Owner['start']): Owner['start'] {
  if (start === 'oldest' || start === 'now') return start;
  if (typeof start !== 'object' || start === null) {
    throw invalidArgument('start', `must be 'oldest', 'now' or { last }, not ${describe(start)}`);
  }
  checkCount(start.last, 'start.last', { least: 0, most: MAX_LAST });
  return start;
}
