import { type Cursor, isTimelineError, TimelineError } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import type { DeviceOptions, SyncMessage } from '../types.js';
import { CursorBuilder, type Signer, signerFor } from './device-cursor.js';
import { type DeviceLog, furtherInbox } from './device-log.js';
import { hiddenChanges } from './hidden-changes.js';
import { mergedLosses } from './lost-entries.js';
import { followedOf, MergedStream } from './merged-stream.js';
import { healReadPositions } from './read-entries.js';
import { rebuild } from './rebuild.js';
import { resolveReferences } from './references.js';
import { readHeads, type StreamHeads } from './stream-heads.js';
import { BEHIND, type Loss, type StreamMessage, type StreamPage } from './stream-page.js';
import type { UnmarkedConversations } from './unmarked-conversations.js';

/** A device that falls behind during each of these resyncs will fall behind during the next one too. */
const MAX_RESYNCS = 3;

export interface DeviceIdentity {
  readonly user: string;
  readonly device: string;
  readonly start: NonNullable<DeviceOptions['start']>;
}

export interface ReadResult<M> {
  readonly messages: SyncMessage<M>[];
  /** Entries that are gone, among the messages. */
  readonly truncated: readonly Loss[];
  readonly upToDate: boolean;
  /** The position changed, whether or not there are messages. */
  readonly hasAdvanced: boolean;
  /** A resync began: discard what was read before. */
  readonly restarted: boolean;
}

/** Reads the stream of one device once, from the acknowledged position on. */
export class DeviceReader<M> {
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #log: DeviceLog<M>;
  readonly #unmarked: UnmarkedConversations<M>;
  readonly #sign: Signer;
  #stream: MergedStream<M>;
  #cursors: CursorBuilder;
  /** Heads that were read ahead of the next page. */
  #nextHeads: StreamHeads | undefined;
  #resyncs = 0;
  /** The next message has to tell the device of a resync. */
  #hasToTell: boolean;
  /** The next message has to tell the device of these. */
  #losses: Loss[] = [];

  static async open<M>(
    context: Context<M>,
    identity: DeviceIdentity,
    log: DeviceLog<M>,
    unmarked: UnmarkedConversations<M>,
  ): Promise<DeviceReader<M>> {
    const { user, device, start } = identity;
    const heads = () =>
      readHeads(context, { user, log }, followedOf(log.conversations), { needsMemberships: !unmarked.areJoinsMarked });
    const [[inbox], first] = await Promise.all([
      context.sync.checkpoints([{ timeline: user, reader: readerOf.device(device) }]),
      heads(),
    ]);
    if (inbox === undefined && start !== 'oldest' && !log.isKnown && first.deviceLog === 0n) {
      await rebuild(context, identity, log, { last: start === 'now' ? 0 : start.last, isResync: false });
      return DeviceReader.open(context, identity, log, unmarked);
    }
    const isChanged = await log.refresh(first.deviceLog);
    const position = {
      inbox: furtherInbox(inbox, log.inbox) ?? (log.isKnown ? 0n : undefined),
      conversations: new Map(log.conversations),
      isComplete: log.isComplete,
    };
    const stream = new MergedStream(context, user, position, unmarked);
    return new DeviceReader(context, identity, log, unmarked, stream, isChanged ? await heads() : first);
  }

  private constructor(
    context: Context<M>,
    identity: DeviceIdentity,
    log: DeviceLog<M>,
    unmarked: UnmarkedConversations<M>,
    stream: MergedStream<M>,
    heads: StreamHeads,
  ) {
    this.#context = context;
    this.#identity = identity;
    this.#log = log;
    this.#unmarked = unmarked;
    this.#stream = stream;
    this.#nextHeads = heads;
    this.#sign = signerFor(heads.secret, identity);
    this.#cursors = this.#newCursors();
    this.#hasToTell = log.isResyncPending;
  }

  /** The cursor after everything read so far. */
  get cursor(): Cursor {
    return this.#cursors.cursor;
  }

  /** `true` if what was read so far follows a resync that the device has not acknowledged. */
  get resynced(): boolean {
    return this.#cursors.resynced;
  }

  /** The conversations that are read from their own Timelines. */
  get followed(): string[] {
    return this.#stream.followed;
  }

  /** Reads at most `limit` further messages. */
  async read(limit: number): Promise<ReadResult<M>> {
    const heads = this.#nextHeads ?? (await this.#readHeads());
    this.#nextHeads = undefined;
    const page = await this.#nextPage(limit, heads);
    if (page.isBehind) {
      await this.#resync();
      return { messages: [], truncated: [], upToDate: false, hasAdvanced: true, restarted: true };
    }
    this.#resyncs = 0;
    const messages = await this.#finish(page);
    const { upToDate, losses: truncated, changes } = page;
    return { messages, truncated, upToDate, hasAdvanced: changes.length > 0, restarted: false };
  }

  #readHeads(): Promise<StreamHeads> {
    const device = { user: this.#identity.user, log: this.#log };
    return readHeads(this.#context, device, this.#stream.followed, {
      needsMemberships: !this.#unmarked.areJoinsMarked,
    });
  }

  /** If the store lost the entry at the position, the device is behind, as after an expiry. */
  async #nextPage(limit: number, heads: StreamHeads): Promise<StreamPage<M>> {
    try {
      return await this.#stream.next(limit, heads);
    } catch (error) {
      const code = isTimelineError(error) ? error.code : undefined;
      if (code !== 'TIMELINE_EPOCH_CHANGED' && code !== 'TIMELINE_ROLLED_BACK') throw error;
      return BEHIND;
    }
  }

  async #resync(): Promise<void> {
    if (++this.#resyncs > MAX_RESYNCS) {
      const message = `the device ${JSON.stringify(this.#identity.device)} fell behind faster than it could be rebuilt`;
      throw new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true });
    }
    await rebuild(this.#context, this.#identity, this.#log, { last: this.#context.resyncLast, isResync: true });
    const restarted = await DeviceReader.open(this.#context, this.#identity, this.#log, this.#unmarked);
    this.#stream = restarted.#stream;
    this.#nextHeads = restarted.#nextHeads;
    this.#cursors = this.#newCursors();
    this.#hasToTell = true;
    this.#losses = [];
  }

  #newCursors(): CursorBuilder {
    return new CursorBuilder(this.#sign, this.#log.generation, this.#log.isResyncPending);
  }

  /** Looks up the bodies of references, and adds cursors. */
  async #finish({ messages, changes, losses }: StreamPage<M>): Promise<SyncMessage<M>[]> {
    // Before the page is handed over: once it is acknowledged, its entries do not come again.
    const [resolved] = await Promise.all([
      resolveReferences(this.#context.store, messages),
      healReadPositions(this.#context, this.#identity.user, messages),
    ]);
    const isHidden = await hiddenChanges(this.#context, this.#identity.user, messages, resolved);
    const cursorAfter = this.#cursors.advance(changes);
    const left = [...losses];
    const finished = resolved.flatMap((message, i) => {
      if (!message || isHidden[i]) return [];
      const { changeCount } = messages[i] as StreamMessage<M>;
      while (left[0] && left[0].changeCount <= changeCount) this.#losses.push(left.shift() as Loss);
      const truncated = mergedLosses(this.#losses.splice(0));
      const tellsOfResync = this.#hasToTell;
      this.#hasToTell = false;
      return withJson({
        ...message,
        ...(tellsOfResync && { resynced: true as const }),
        ...(truncated.length > 0 && { truncated }),
        get cursor() {
          return cursorAfter(changeCount);
        },
      });
    });
    this.#losses.push(...left);
    return finished;
  }
}
