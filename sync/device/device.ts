import { type Cursor, isTimelineError, seqIdOf } from '../../src/index.js';
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
import type { Device, DeviceSubscribeOptions, PullOptions, PullPage, SyncMessage } from '../types.js';
import { NAME_BYTES } from './client-cursor.js';
import { ClientPosition } from './client-position.js';
import { changesIn } from './cursor-changes.js';
import { signerForDevice } from './cursor-signature.js';
import { checkAfter } from './device-arguments.js';
import { type DeviceCursor, decodeDeviceCursor } from './device-cursor.js';
import { DeviceLog } from './device-log.js';
import { DeviceReader } from './device-reader.js';
import { DeviceRegistration } from './device-registration.js';
import type { DeviceRegistry } from './device-registry.js';
import { DeviceWatch } from './device-watch.js';
import type { DeviceIdentity, KeptPosition } from './kept-position.js';
import { mergedLosses } from './lost-entries.js';
import { NameHashes } from './name-hashes.js';
import { PageRecords } from './page-records.js';
import { SignalBuffer } from './signal-buffer.js';
import { StoredPosition } from './stored-position.js';
import type { Loss } from './stream-page.js';
import { UnmarkedConversations } from './unmarked-conversations.js';

const MAX_PULL = 10_000;
const DEFAULT_LIMIT = 100;
const MAX_OUTAGE_PAUSE_MS = 5000;
const PULL: OptionNames<PullOptions> = { after: true, limit: true, signal: true };
const SUBSCRIBE: OptionNames<DeviceSubscribeOptions> = {
  ...{ after: true, signal: true, signals: true, onCaughtUp: true, onEmptied: true, pageSize: true },
};

interface Subscription<M> {
  readonly watch: DeviceWatch;
  readonly signals: SignalBuffer<M> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly after: Cursor | undefined;
  readonly onCaughtUp: (() => void) | undefined;
  readonly onEmptied: (() => void) | undefined;
  readonly pageSize: number;
  readonly hasEnded: () => boolean;
}

/** A device whose position is kept in the libraries, or by the client, so that any process can serve it. */
export class SyncDevice<M> implements Device<M> {
  readonly user: string;
  readonly device: string;
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #log: DeviceLog<M>;
  readonly #registration: DeviceRegistration<M>;
  readonly #records: PageRecords<M>;
  readonly #unmarked: UnmarkedConversations<M>;
  #hashes: NameHashes | undefined;
  #clientHashes: NameHashes | undefined;
  #loading: Promise<unknown> | undefined;

  constructor(context: Context<M>, identity: DeviceIdentity, registry: DeviceRegistry<M>) {
    this.user = identity.user;
    this.device = identity.device;
    this.#identity = identity;
    this.#context = context;
    this.#log = new DeviceLog(context.state, this.user, this.device);
    this.#registration = new DeviceRegistration(registry, this.device, this.#log, context.closing);
    this.#records = new PageRecords(context.state, this.user, this.device, () => this.#registration.ensure());
    this.#unmarked = new UnmarkedConversations(context, this.user);
  }

  async pull(options?: PullOptions): Promise<PullPage<M>> {
    const { signal, after: given, limit: most = DEFAULT_LIMIT } = checkOptions(options, PULL);
    const after = checkAfter(given);
    const limit = checkCount(most, 'limit', { most: MAX_PULL });
    throwIfAborted(signal);
    const reader = await this.#open(after);
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
    await this.#load();
    const decoded = await this.#decode(cursor);
    const { generation, inbox, isComplete, resynced } = decoded;
    const { forgottenAt } = this.#log;
    const { life, secret } = await this.#context.settings();
    await this.#registration.ensure();
    if (this.#log.forgottenAt !== forgottenAt) return;
    if (generation !== this.#log.generation) await this.#log.refresh();
    // A resync has replaced, or will replace, the position that the cursor goes on from.
    if (generation < this.#log.generation || this.#log.isTakenBack) return;
    const hashes = this.#hashesFor(secret);
    const conversations = await changesIn(decoded, { log: this.#log, records: this.#records, hashes });
    // The log in memory may be old: another process may have resynced the device.
    const isTold = resynced && (this.#log.isResyncPending || generation > this.#log.generation);
    // An inbox without entries has no position. And the record says in which life of the libraries the device began.
    const isAtStart = inbox === undefined || inbox.endsWith('.0');
    const isFirst = !this.#log.isKnown;
    const isCompleted = isComplete && !this.#log.isComplete;
    const needsRecord = conversations.size > 0 || isTold || isFirst || isCompleted;
    // One record holds both positions, for a crash before the checkpoint: conversation positions follow from markers in
    // the inbox. The checkpoint comes last: a device that is told of its resync again drops what it has from the inbox.
    const marks = { ...(isCompleted && { isComplete }), ...(isTold && { told: true as const }) };
    const places = [...conversations];
    const { checkpoint: known } = this.#log;
    const position = inbox === undefined && known ? { inboxBefore: String(seqIdOf(known)) } : { inbox };
    if (needsRecord) await this.#log.add({ generation, places, life, ...position, ...marks });
    if (this.#log.forgottenAt !== forgottenAt) return;
    const checkpoint = { timeline: this.user, reader: readerOf.device(this.device, forgottenAt) };
    if (!inbox) return;
    await advanceOrReset(this.#context.sync, { ...checkpoint, to: inbox });
    // No checkpoint is stored for the start of an inbox.
    this.#log.checkpoint = isAtStart ? undefined : inbox;
  }

  subscribe(options?: DeviceSubscribeOptions): BatchIterator<SyncMessage<M>> {
    return BatchIterator.from(() => {
      const given = checkOptions(options, SUBSCRIBE);
      const { signal, onCaughtUp, onEmptied, pageSize = DEFAULT_LIMIT } = given;
      const after = checkAfter(given.after);
      checkFunction(onCaughtUp, 'onCaughtUp');
      checkFunction(onEmptied, 'onEmptied');
      checkCount(pageSize, 'pageSize', { most: MAX_PULL });
      const watch = new DeviceWatch([signal, this.#context.closing]);
      const signals = this.#listen(given.signals, watch);
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
        watch.stop();
        signals?.stop();
      };
      const told = { onCaughtUp, onEmptied, hasEnded: () => hasEnded };
      return new BatchIterator(this.#nextBatch({ watch, signals, signal, after, pageSize, ...told }), { signal, end });
    });
  }

  /** Reads until nothing is left, then waits for a hint, at most `pollMs`: hints may be lost. */
  #nextBatch(subscription: Subscription<M>): () => Promise<SyncMessage<M>[] | undefined> {
    const { watch, signals, signal, after, onCaughtUp, onEmptied, pageSize, hasEnded } = subscription;
    const { pollMs, warn } = this.#context;
    let reader: DeviceReader<M> | undefined;
    let isCaughtUp = false;
    let readAt = Number.NEGATIVE_INFINITY;
    return async () => {
      for (let failures = 0; !hasEnded(); ) {
        throwIfAborted(signal);
        checkOpen(this.#context);
        // Signals alone cause no read, and delay none.
        const isReadDue = watch.isWoken || performance.now() - readAt >= pollMs;
        if (reader && signals && !signals.isEmpty && !isReadDue) return signals.take(reader.cursor, reader.tell());
        watch.clear();
        try {
          reader ??= await this.#open(after);
          const { messages, upToDate, hasAdvanced } = await reader.read(pageSize);
          failures = 0;
          if (messages.length > 0) {
            readAt = Number.NEGATIVE_INFINITY;
            return messages;
          }
          this.#followIn(watch, reader);
          if (!upToDate && hasAdvanced) continue;
          if (upToDate && reader.isResyncUntold) {
            reader.isResyncUntold = false;
            onEmptied?.();
          }
          if (upToDate && !isCaughtUp) {
            isCaughtUp = true;
            onCaughtUp?.();
          }
          readAt = performance.now();
          if (!signals || signals.isEmpty) await watch.wait(pollMs);
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

  #listen(given: boolean | undefined, watch: DeviceWatch): SignalBuffer<M> | undefined {
    const signals = given ?? true;
    if (typeof signals !== 'boolean')
      throw invalidArgument('signals', `must be a boolean, not ${describeValue(signals)}`);
    if (!signals || this.#context.sync.capabilities.signals === 'none') return undefined;
    checkOpen(this.#context);
    return new SignalBuffer(this.#context, this.user, () => watch.interrupt());
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

  async #open(after: Cursor | undefined): Promise<DeviceReader<M>> {
    checkOpen(this.#context);
    const hashesFor = (secret: string) => this.#hashesFor(secret);
    const kept: KeptPosition =
      after === undefined
        ? new StoredPosition(this.#context, this.#identity, this.#log, this.#records, this.#registration, hashesFor)
        : new ClientPosition(this.#context, this.#identity, after, (secret) => {
            this.#clientHashes ??= new NameHashes(secret, this.user, NAME_BYTES);
            return this.#clientHashes;
          });
    return DeviceReader.open(this.#context, this.#identity, kept, this.#unmarked);
  }

  #hashesFor(secret: string): NameHashes {
    this.#hashes ??= new NameHashes(secret, this.user);
    return this.#hashes;
  }

  /** Another process may have forgotten the device since this one read its log, and made the cursor after that. */
  async #decode(cursor: Cursor): Promise<DeviceCursor> {
    const { secret, life } = await this.#context.settings();
    const decode = () => {
      const { forgottenAt } = this.#log;
      return decodeDeviceCursor(signerForDevice(secret, this.user, this.device, { forgottenAt, life }), cursor);
    };
    try {
      return decode();
    } catch (error) {
      const { forgottenAt } = this.#log;
      await this.#log.refresh();
      if (this.#log.forgottenAt === forgottenAt) throw error;
      return decode();
    }
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
