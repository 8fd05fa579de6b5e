import { isTimelineError, reasonOf, type TimelineError } from '../../src/errors.js';
import type { Cursor, Timeline, TimelineEntry } from '../../src/types.js';
import { InboxWriter } from '../inbox/inbox-writer.js';
import { type EffectiveMode, readModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { resumeAfter } from '../shared/fan-out-positions.js';
import { pause } from '../shared/pause.js';
import { lenient } from '../shared/undecodable.js';
import type { Delivery, Stored } from '../types.js';
import { DeliveryPromises, RecentReports } from './delivery-promises.js';
import { EntryProcessor } from './entry-processor.js';
import { closedError, failedError, invisibleError, lostError, truncatedError } from './outbox-errors.js';
import { OutboxProgress } from './outbox-progress.js';

const PAGE = 100;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5000;
const VISIBILITY_PAUSE_MS = 20;
/** Reads in a row that may miss an entry which the store has acknowledged. */
const MAX_INVISIBLE_READS = 250;

/**
 * The outbox of one conversation: its Timeline, read from the durable fan-out position on. Each entry is processed only
 * after all before it. Any number of processes may work on the same conversation: copies carry keys, so each inbox gets
 * each entry once and in order.
 */
export class ConversationOutbox<M> {
  readonly conversation: string;
  readonly #context: Context<M>;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #inboxes: InboxWriter<M>;
  readonly #processor: EntryProcessor<M>;
  readonly #progress = new OutboxProgress();
  readonly #promises = new DeliveryPromises();
  readonly #reports = new RecentReports();
  readonly #appendedHere = new Set<bigint>();
  #pendingAppends = 0;
  #isLoaded = false;
  #running: Promise<void> | undefined;
  #invisibleReads = 0;
  /** May be ahead of the processor's mode, when another process has gone further. */
  #newestMode: EffectiveMode = { mode: 'write', since: 0n };

  constructor(context: Context<M>, conversation: string) {
    this.conversation = conversation;
    this.#context = context;
    this.#timeline = context.store.timeline(conversation);
    this.#inboxes = new InboxWriter(context.sync, context.closing, () => this.#confirmDelivered());
    this.#processor = new EntryProcessor(context, conversation, this.#inboxes);
  }

  /** `true` while an entry is being processed, a caller waits, or an inbox is behind. */
  get isBusy(): boolean {
    return this.#running !== undefined || !this.#promises.isEmpty || this.#inboxes.firstMissing !== undefined;
  }

  /** `true` if this process knows of nothing left to do here, and the position says so. */
  get isDone(): boolean {
    return !this.isBusy && this.#pendingAppends === 0 && this.#progress.isDone;
  }

  /** Keeps the conversation on the work list while an append is under way. Call the returned function after it. */
  beginAppend(): () => void {
    this.#pendingAppends++;
    return () => {
      this.#pendingAppends--;
    };
  }

  /** The newest mode that this process knows of. */
  async newestMode(): Promise<EffectiveMode> {
    if (!this.#isLoaded) await this.#load();
    return this.#newestMode;
  }

  /** Notes an entry of this process. A page of such entries only needs no look at the position of other processes. */
  addAppended(seqId: bigint): void {
    this.#appendedHere.add(seqId);
  }

  /** Resolves once every recipient has this entry and all before it. */
  deliveredThrough(seqId: bigint): Promise<Delivery> {
    if (this.#progress.delivered >= seqId) return Promise.resolve(this.#reports.deliveryOf(seqId));
    if (this.#context.closing.aborted) return Promise.reject(closedError());
    this.#progress.want(seqId);
    const delivery = this.#promises.add(seqId);
    this.#start();
    return delivery;
  }

  /** Resolves once everything that the conversation holds now is delivered. */
  async catchUp(): Promise<void> {
    const { lastSeqId } = await this.#timeline.head();
    if (lastSeqId > 0n) await this.deliveredThrough(lastSeqId);
  }

  /** For closing: resolves once nothing is under way, and rejects the promises that are left. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#inboxes.drained();
    this.#confirmDelivered();
    this.#giveUp(closedError());
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#confirmDelivered();
      if (this.#progress.isBehind) this.#start();
    });
  }

  /** Retries while a store is out of reach, until closing. */
  async #run(): Promise<void> {
    for (let failures = 0; this.#progress.isBehind; ) {
      try {
        await this.#processPage();
        failures = 0;
      } catch (error) {
        const code = isTimelineError(error) ? error.code : undefined;
        if (code === 'TIMELINE_ROLLED_BACK' || code === 'TIMELINE_EPOCH_CHANGED') this.#restart();
        if (code === 'TIMELINE_CLOSED' || this.#context.closing.aborted) return this.#giveUp(error);
        // A callback gave an invalid answer. Callers learn of it, and the fan-out resumes once the answers are valid.
        if (code === 'TIMELINE_INVALID_ARGUMENT') this.#promises.rejectAll(error as TimelineError);
        if (failures++ === 0)
          this.#context.warn({ code: 'fan-out-waits', message: `a fan-out waits: ${reasonOf(error)}` });
        await pause(Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures), this.#context.closing);
      }
    }
  }

  /** The store lost entries of the conversation: start from its durable position again. */
  #restart(): void {
    this.#isLoaded = false;
    this.#progress.reset();
  }

  #giveUp(cause: unknown): void {
    this.#promises.rejectAll(failedError(cause));
    this.#progress.abandon();
  }

  async #load(): Promise<void> {
    await this.#adoptPosition(await this.#durablePosition());
    this.#isLoaded = true;
  }

  async #durablePosition(): Promise<Cursor | undefined> {
    const [cursor] = await this.#context.fanOutPositions.get([this.conversation]);
    return cursor;
  }

  /** Read the position before the modes: a mode is recorded before the position passes its marker. */
  async #adoptPosition(cursor: Cursor | undefined): Promise<void> {
    const modes = await readModes(this.#context.store, this.conversation);
    const initial: EffectiveMode = { mode: (await this.#context.settings()).defaultMode, since: 0n };
    const newest = modes.at(-1) ?? initial;
    if (!this.#isLoaded || newest.since > this.#newestMode.since) this.#newestMode = newest;
    const position = cursor === undefined ? 0n : await resumeAfter(this.#context, this.#timeline, cursor);
    if (position < this.#progress.read || (position === this.#progress.read && this.#isLoaded)) return;
    this.#progress.resumeAfter(position);
    this.#processor.mode = modes.filter(({ since }) => since <= position).at(-1) ?? initial;
    await this.#context.directory.refresh?.(this.conversation);
  }

  async #processPage(): Promise<void> {
    if (!this.#isLoaded) await this.#load();
    if (!this.#progress.isBehind) return;
    const { read, wanted } = this.#progress;
    const { entries, head, truncated } = await this.#timeline.read({ after: read, limit: PAGE, ...lenient });
    if (entries.length === 0 && truncated) return this.#skipTruncated(truncated.through);
    if (entries.length === 0) return this.#awaitVisibility(wanted, head.lastSeqId);
    this.#invisibleReads = 0;
    if (!entries.every(({ seqId }) => this.#appendedHere.has(seqId))) {
      const cursor = await this.#durablePosition();
      const before = this.#progress.read;
      if (cursor !== undefined) await this.#adoptPosition(cursor);
      if (this.#progress.read > before) this.#confirmDelivered();
    }
    for (const entry of entries) if (entry.seqId > this.#progress.read) await this.#processEntry(entry);
  }

  async #processEntry(entry: TimelineEntry<Stored<M>>): Promise<void> {
    const { seqId, cursor } = entry;
    this.#reports.add(seqId, await this.#processor.process(entry, { isFirst: this.#progress.read === 0n }));
    if (this.#processor.mode.since > this.#newestMode.since) this.#newestMode = this.#processor.mode;
    this.#appendedHere.delete(seqId);
    this.#progress.advance({ seqId, cursor });
    this.#confirmDelivered();
  }

  /** An acknowledged entry becomes visible after a while, or the store has lost it. */
  async #awaitVisibility(wanted: bigint, lastSeqId: bigint): Promise<void> {
    if (lastSeqId >= wanted && ++this.#invisibleReads > MAX_INVISIBLE_READS)
      throw invisibleError(this.conversation, wanted);
    if (lastSeqId >= wanted) return pause(VISIBILITY_PAUSE_MS, this.#context.closing);
    if (this.#progress.wanted === wanted) this.#progress.wantNoMore();
    this.#promises.reject(lastSeqId, wanted, lostError(this.conversation, lastSeqId));
  }

  /** Entries were trimmed, or have expired, before their fan-out: no inbox gets them. */
  async #skipTruncated(through: bigint): Promise<void> {
    const { next } = await this.#timeline.read({ after: through, before: through + 1n, limit: 1, ...lenient });
    this.#promises.reject(this.#progress.read, through, truncatedError(this.conversation, through));
    this.#progress.advance({ seqId: through, cursor: next });
    this.#confirmDelivered();
  }

  /** Advances the durable position up to the first entry that some inbox lacks, and resolves promises up to there. */
  #confirmDelivered(): void {
    const position = this.#progress.confirmBefore(this.#inboxes.firstMissing);
    if (position !== undefined) this.#context.fanOutPositions.advance(this.conversation, position);
    this.#promises.resolve(this.#progress.delivered, (seqId) => this.#reports.deliveryOf(seqId));
  }
}
