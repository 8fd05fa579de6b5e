import { type Cursor, epochOf, isTimelineError, type TimelineEntry, type TimelineError } from '../../src/index.js';
import { backOff, pause, reasonOf } from '../../src/toolkit/index.js';
import { InboxWriter } from '../inbox/inbox-writer.js';
import type { EffectiveMode } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import type { Delivery, Stored } from '../types.js';
import { DeliveryPromises, RecentReports } from './delivery-promises.js';
import { EntryProcessor } from './entry-processor.js';
import { closedError, lostError, truncatedError } from './outbox-errors.js';
import { MAX_RUN_MS, OutboxProgress, RETRY_PAUSES, RUN_ON_MS } from './outbox-progress.js';
import { loadStart, OutboxReader } from './outbox-reader.js';
import type { PendingEntry, Turn } from './turn.js';

type Entry<M> = TimelineEntry<Stored<M>>;

/**
 * The outbox of one conversation: its Timeline, read from the fan-out position on. Each entry is processed only after
 * all before it. Of several processes, the one that appended the first pending entry does the next run; the others
 * follow the position, and take over if it stands still. Copies carry keys, so each inbox gets each entry once and in
 * order even where two processes run.
 */
export class ConversationOutbox<M> {
  readonly conversation: string;
  readonly #context: Context<M>;
  readonly #reader: OutboxReader<M>;
  readonly #inboxes: InboxWriter<M>;
  readonly #processor: EntryProcessor<M>;
  readonly #turn: Turn<M>;
  readonly #progress = new OutboxProgress();
  readonly #promises = new DeliveryPromises();
  readonly #reports = new RecentReports();
  #pendingAppends = 0;
  #loading: Promise<void> | undefined;
  #isLoaded = false;
  #running: Promise<void> | undefined;
  #isInRun = false;
  /** The newest mode that was recorded when loading. Another process may have gone further than this one. */
  #recordedMode: EffectiveMode = { mode: 'write', since: 0n };

  constructor(context: Context<M>, conversation: string, turn: Turn<M>) {
    this.conversation = conversation;
    this.#context = context;
    this.#turn = turn;
    this.#reader = new OutboxReader(conversation, context.store.timeline(conversation), context.closing);
    this.#inboxes = new InboxWriter(context, () => this.#confirmDelivered());
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

  /** Keeps the note of the conversation while an append is under way. Call the returned function after it. */
  beginAppend(): () => void {
    this.#pendingAppends++;
    return () => {
      this.#pendingAppends--;
    };
  }

  /** The newest mode that this process knows of. */
  async newestMode(): Promise<EffectiveMode> {
    await this.#loaded();
    const { mode } = this.#processor;
    return mode.since > this.#recordedMode.since ? mode : this.#recordedMode;
  }

  /** Takes an entry that this process appended. Resolves once every recipient has this entry and all before it. */
  deliver(appended: { readonly seqId: bigint; readonly cursor: Cursor }, message: Stored<M>): Promise<Delivery> {
    this.#reader.meet(epochOf(appended.cursor));
    if (appended.seqId > this.#progress.read) this.#turn.addAppended(appended.seqId);
    if (this.#passesNext(appended.seqId, message)) {
      this.#turn.deleteAppended(appended.seqId);
      this.#progress.want(appended.seqId);
      this.#progress.advance(appended);
      this.#confirmDelivered();
    }
    return this.deliveredThrough(appended.seqId);
  }

  /** Resolves once every recipient has this entry and all before it. */
  deliveredThrough(seqId: bigint): Promise<Delivery> {
    if (this.#progress.delivered >= seqId && !this.#reader.isTakenBack)
      return Promise.resolve(this.#reports.deliveryOf(seqId));
    if (this.#context.closing.aborted) return Promise.reject(closedError());
    this.#progress.want(seqId);
    const delivery = this.#promises.add(seqId);
    this.#start();
    return delivery;
  }

  /** Delivers everything that the conversation holds now, without waiting for the processes that appended it. */
  async catchUp(): Promise<void> {
    const { lastSeqId, epoch } = await this.#reader.timeline.head();
    if (lastSeqId === 0n) return;
    this.#reader.meet(epoch);
    this.#turn.takeOverThrough(lastSeqId);
    await this.deliveredThrough(lastSeqId);
    this.#publish();
  }

  /** For closing: resolves once nothing is under way, and rejects the promises that are left. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#inboxes.drained();
    this.#confirmDelivered();
    this.#giveUp();
  }

  /** A message in read diffusion needs no writes. Right behind the last entry, there is nothing to read either. */
  #passesNext(seqId: bigint, message: Stored<M>): boolean {
    if (!this.#isLoaded || this.#reader.isTakenBack || this.#running || !this.#context.store.capabilities.dense)
      return false;
    return seqId === this.#progress.read + 1n && this.#processor.pass({ seqId, message, deleted: false });
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
    for (let failures = 0; this.#progress.isBehind || this.#reader.isTakenBack; ) {
      if (this.#reader.isTakenBack) this.#restart();
      if (this.#context.closing.aborted && !this.#progress.isWanting) return this.#progress.abandon();
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
        await pause(backOff(failures, RETRY_PAUSES), { signal: this.#context.closing });
      }
    }
  }

  /** The store lost entries of the conversation: start from its durable position again. */
  #restart(): void {
    this.#context.libraryLife.lookNow().catch(() => undefined);
    this.#reader.begin();
    this.#isLoaded = false;
    this.#progress.reset();
  }

  #giveUp(cause?: unknown): void {
    this.#promises.rejectAll(closedError(cause));
    this.#progress.abandon();
  }

  async #loaded(): Promise<void> {
    if (this.#isLoaded) return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #load(): Promise<void> {
    const { position, mode, newestMode } = await loadStart(this.#context, this.#reader.timeline, this.conversation);
    this.#recordedMode = newestMode;
    this.#processor.start(position, mode);
    this.#progress.follow(position);
    this.#isLoaded = true;
  }

  async #processPage(): Promise<void> {
    await this.#loaded();
    const { isBehind, wanted } = this.#progress;
    if (!isBehind) return;
    const { entries, head, truncated, readAt } = await this.#reader.read(this.#progress.read);
    if (truncated && truncated.through > this.#progress.read) return this.#passLost(truncated.through, head.epoch);
    if (entries.length === 0) return this.#awaitVisibility(wanted, head.lastSeqId);
    let pending = this.#skipWithoutWrites(entries);
    while (pending[0] && this.#progress.isBehind) {
      this.#progress.see((pending.at(-1) as Entry<M>).seqId);
      const position = await this.#awaitTurn(pending[0]);
      if (position === undefined) return this.#runFrom(pending, readAt);
      pending = this.#skipWithoutWrites(await this.#follow(pending, position));
    }
  }

  #awaitTurn(entry: PendingEntry): Promise<bigint | undefined> {
    const mustRun = this.#inboxes.firstMissing !== undefined || this.#context.closing.aborted;
    return this.#turn.await(entry, { mustRun, recipients: this.#reports.lastRecipients });
  }

  /** Passes the first entries, as far as no inbox gets anything for them. */
  #skipWithoutWrites(entries: readonly Entry<M>[]): readonly Entry<M>[] {
    let count = 0;
    for (const entry of entries) {
      if (!this.#processor.pass(entry)) break;
      this.#advance(entry);
      count++;
    }
    if (count > 0) this.#confirmDelivered();
    return entries.slice(count);
  }

  /**
   * Another process has delivered everything up to the position. Takes its modes and memberships over from the entries
   * on the page, and never jumps over entries that the page does not hold: it was read before the position.
   */
  async #follow(entries: readonly Entry<M>[], position: bigint): Promise<readonly Entry<M>[]> {
    const done = entries.filter(({ seqId }) => seqId <= position);
    if (done.some(({ message }) => message?.kind === 'join' || message?.kind === 'leave'))
      await this.#context.directory.refresh?.(this.conversation);
    for (const entry of done) {
      this.#processor.follow(entry);
      this.#turn.deleteAppended(entry.seqId);
      this.#progress.follow(entry.seqId);
    }
    this.#confirmDelivered();
    return entries.slice(done.length);
  }

  /** Processes entries, whoever appended them. In company, goes on for a moment with what has come meanwhile. */
  async #runFrom(first: readonly Entry<M>[], firstReadAt: number): Promise<void> {
    const began = performance.now();
    this.#isInRun = true;
    try {
      for (let [entries, readAt] = [first, firstReadAt]; entries.length > 0; ) {
        for (const entry of entries) {
          if (!this.#turn.isAppendedHere(entry.seqId) && this.#pendingAppends === 0) this.#turn.meetOthers();
          const report = await this.#processor.process(entry, { isFirst: this.#progress.read === 0n, readAt });
          this.#reports.add(entry.seqId, report);
          this.#advance(entry);
          this.#confirmDelivered();
          if (performance.now() - began > MAX_RUN_MS) return;
        }
        if (!this.#turn.isInCompany || performance.now() - began > RUN_ON_MS) return;
        const page = await this.#reader.read(this.#progress.read);
        if (page.truncated) return;
        ({ entries, readAt } = page);
        const last = entries.at(-1);
        if (last) this.#progress.see(last.seqId);
      }
    } finally {
      this.#isInRun = false;
      this.#publish();
    }
  }

  #advance({ seqId, cursor }: Entry<M>): void {
    this.#turn.deleteAppended(seqId);
    this.#progress.advance({ seqId, cursor });
  }

  /** An acknowledged entry becomes visible after a while, or the store has lost it. */
  async #awaitVisibility(wanted: bigint, lastSeqId: bigint): Promise<void> {
    if (lastSeqId >= wanted) return this.#reader.awaitVisibility(wanted);
    if (this.#progress.wanted === wanted) this.#progress.wantNoMore();
    this.#promises.reject(lastSeqId, wanted, lostError(this.conversation, lastSeqId));
  }

  /** Entries were trimmed, or have expired, before their fan-out, unless another process has delivered them. */
  async #passLost(through: bigint, epoch: string): Promise<void> {
    const cursor = await this.#reader.cursorAt(through);
    await this.#turn.awaitLost({ seqId: through, cursor }, this.#reports.lastRecipients);
    const { position } = await loadStart(this.#context, this.#reader.timeline, this.conversation);
    // The modes and memberships of entries that this process has not read have to be loaded.
    if (position > this.#progress.read) return this.#restart();
    const after = this.#progress.read;
    await this.#processor.passLost({ conversation: this.conversation, epoch, after, through });
    this.#promises.reject(after, through, truncatedError(this.conversation, through));
    this.#turn.deleteAppendedThrough(through);
    this.#progress.advance({ seqId: through, cursor });
    this.#confirmDelivered();
  }

  /** Resolves promises up to the first entry that some inbox lacks, and publishes the position up to there. */
  #confirmDelivered(): void {
    this.#progress.confirmBefore(this.#inboxes.firstMissing);
    this.#promises.resolve(this.#progress.delivered, (seqId) => this.#reports.deliveryOf(seqId));
    // Published within a run, the position would let another process find its own entry first and run it as well.
    if (!this.#isInRun || !this.#turn.isInCompany) this.#publish();
  }

  #publish(): void {
    const position = this.#progress.takePublication();
    if (position === undefined) return;
    this.#context.fanOutPositions.advance(this.conversation, position);
    // Others wait for it.
    if (this.#turn.isInCompany) this.#context.fanOutPositions.flush().catch(() => undefined);
  }
}
