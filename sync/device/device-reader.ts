import { type Cursor, isTimelineError, TimelineError } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import type { SyncMessage, SyncMessageFields } from '../types.js';
import type { ConversationPosition } from './conversation-position.js';
import { withCursor } from './device-message.js';
import { hiddenChanges } from './hidden-changes.js';
import type { DeviceIdentity, KeptPosition, OpenedPosition, PageCursors } from './kept-position.js';
import { mergedLosses } from './lost-entries.js';
import { MergedStream } from './merged-stream.js';
import { settleReadPositions } from './read-entries.js';
import { resolveReferences } from './references.js';
import { readHeads, type StreamHeads } from './stream-heads.js';
import { BEHIND, type Loss, type StreamMessage, type StreamPage } from './stream-page.js';
import type { UnmarkedConversations } from './unmarked-conversations.js';

/** A device that falls behind during each of these resyncs will fall behind during the next one too. */
const MAX_RESYNCS = 3;

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

/** Reads the stream of one device once, from the position kept on. */
export class DeviceReader<M> {
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #kept: KeptPosition;
  readonly #unmarked: UnmarkedConversations<M>;
  #stream: MergedStream<M>;
  #cursors: PageCursors;
  /** Heads that were read ahead of the next page. */
  #nextHeads: StreamHeads | undefined;
  /** `LibrarySettings.life` at the position. */
  #life: number;
  /** The stream is past this page, and its messages have not been handed over: a call of a store failed. */
  #unfinished: StreamPage<M> | undefined;
  #resyncs = 0;
  /** The next message has to tell the device of a resync. */
  #hasToTell: boolean;
  /** `true` from a resync until a message tells of it, or a caller has told of it without one. */
  isResyncUntold: boolean;
  /** The next message has to tell the device of these. */
  #losses: Loss[] = [];

  static async open<M>(
    context: Context<M>,
    identity: DeviceIdentity,
    kept: KeptPosition,
    unmarked: UnmarkedConversations<M>,
  ): Promise<DeviceReader<M>> {
    const opened = await kept.open((positions) => headsOf(context, identity, kept, unmarked, positions));
    return new DeviceReader(context, identity, kept, unmarked, opened);
  }

  private constructor(
    context: Context<M>,
    identity: DeviceIdentity,
    kept: KeptPosition,
    unmarked: UnmarkedConversations<M>,
    { position, heads, cursors }: OpenedPosition,
  ) {
    this.#context = context;
    this.#identity = identity;
    this.#kept = kept;
    this.#unmarked = unmarked;
    this.#stream = new MergedStream(context, identity.user, position, unmarked);
    this.#nextHeads = heads;
    this.#life = heads.life;
    this.#cursors = cursors;
    this.#hasToTell = this.isResyncUntold = cursors.resynced;
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

  /** Reads at most `limit` further messages. After a failure, the next call hands over what this one would have. */
  async read(limit: number): Promise<ReadResult<M>> {
    let page = this.#unfinished;
    if (!page) {
      const heads = await this.#heads();
      if (await this.#kept.refresh(heads)) return this.#restart();
      page = heads.life === this.#life ? await this.#nextPage(limit, heads) : BEHIND;
    }
    if (page.isBehind) return this.#resync();
    this.#resyncs = 0;
    this.#unfinished = page;
    const messages = await this.#finish(page);
    this.#unfinished = undefined;
    const { upToDate, losses: truncated, changes } = page;
    return { messages, truncated, upToDate, hasAdvanced: changes.length > 0, restarted: false };
  }

  async #heads(): Promise<StreamHeads> {
    const { conversations } = this.#stream.position;
    const heads =
      this.#nextHeads ?? (await headsOf(this.#context, this.#identity, this.#kept, this.#unmarked, conversations));
    this.#nextHeads = undefined;
    return heads;
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

  async #resync(): Promise<ReadResult<M>> {
    if (++this.#resyncs > MAX_RESYNCS) {
      const message = `the device ${JSON.stringify(this.#identity.device)} fell behind faster than it could be rebuilt`;
      throw new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true });
    }
    await this.#kept.rebuild({ last: this.#context.resyncLast, isResync: true });
    const result = await this.#restart();
    this.#hasToTell = this.isResyncUntold = true;
    return result;
  }

  /** Goes on at the position that is kept now. */
  async #restart(): Promise<ReadResult<M>> {
    const restarted = await DeviceReader.open(this.#context, this.#identity, this.#kept, this.#unmarked);
    this.#stream = restarted.#stream;
    this.#nextHeads = restarted.#nextHeads;
    this.#life = restarted.#life;
    this.#cursors = restarted.#cursors;
    this.#hasToTell = this.isResyncUntold = restarted.#hasToTell;
    this.#losses = [];
    return { messages: [], truncated: [], upToDate: false, hasAdvanced: true, restarted: true };
  }

  /** Returns what the next message of a subscription has to tell: of a resync, and of entries that are gone. */
  tell(): Pick<SyncMessageFields, 'resynced' | 'truncated'> {
    const truncated = mergedLosses(this.#losses.splice(0));
    const tellsOfResync = this.#hasToTell;
    this.#hasToTell = this.isResyncUntold = false;
    return { ...(tellsOfResync && { resynced: true as const }), ...(truncated.length > 0 && { truncated }) };
  }

  /** Looks up the bodies of references, and adds cursors. */
  async #finish(page: StreamPage<M>): Promise<SyncMessage<M>[]> {
    const { store } = this.#context;
    // Before the page is handed over: once it is acknowledged, its entries do not come again.
    const [resolved, isLost] = await Promise.all([
      resolveReferences(store, page.messages),
      settleReadPositions(this.#context, this.#identity.user, page.messages),
    ]);
    const isHidden = await hiddenChanges(this.#context, this.#identity.user, page.messages, resolved);
    // From here on nothing fails: a page that is handed over again still tells of everything.
    const cursorAfter = await this.#cursors.add(page);
    const left = [...page.losses];
    const finished = resolved.flatMap((message, i) => {
      if (!message || isHidden[i] || isLost[i]) return [];
      const { changeCount } = page.messages[i] as StreamMessage<M>;
      while (left[0] && left[0].changeCount <= changeCount) this.#losses.push(left.shift() as Loss);
      const found = { ...message, ...this.tell() };
      return withCursor(withJson(found), () => cursorAfter(changeCount));
    });
    this.#losses.push(...left);
    return finished;
  }
}

function headsOf<M>(
  context: Context<M>,
  { user }: DeviceIdentity,
  { log }: KeptPosition,
  { areJoinsMarked }: UnmarkedConversations<M>,
  positions: ReadonlyMap<string, ConversationPosition>,
): Promise<StreamHeads> {
  // A client cannot name conversations to which neither the directory nor the inbox leads.
  const keepsPassed = !areJoinsMarked && log !== undefined;
  return readHeads(context, { user, log }, positions, { needsMemberships: !areJoinsMarked, keepsPassed });
}
