import { isTimelineError, reasonOf, type TimelineError } from '../../src/errors.js';
import type { Cursor, Timeline, TimelineEntry } from '../../src/types.js';
import { copyOf, type Diffused, referenceTo } from '../inbox/inbox-entries.js';
import { Copies, pause, type Tally } from '../inbox/inbox-writer.js';
import { admit } from '../members/newcomers.js';
import { type ModeAt, modesOf, recordMode } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { resumeAt } from '../shared/fan-out-positions.js';
import { each, withSender } from '../shared/listing.js';
import { copyKey } from '../shared/names.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Delivery, Stored, Synced } from '../types.js';
import { amend } from './amend.js';
import { Results, Waiters } from './delivery-promises.js';
import { closedError, failedError, goneError, lostError, unseenError } from './outbox-errors.js';

const PAGE = 100;
const MAX_PAUSE_MS = 5000;
const SETTLE_MS = 20;
/** Looks in a row for an entry that the store has taken and does not show. */
const BLIND_LOOKS = 250;

/**
 * The fan-out of one conversation. Its Timeline is the outbox: from the durable position on, each entry in turn goes
 * where it belongs, and only then the next. Any number of lanes, in any number of processes, may work on the same
 * conversation: whoever writes entry n has made sure of all before it, and copies carry keys, so each inbox gets each entry
 * once and in order.
 */
export class Lane<M> {
  readonly conversation: string;
  readonly #context: Context<M>;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #copies: Copies<M>;
  readonly #own = new Set<bigint>();
  readonly #results = new Results();
  readonly #waiters = new Waiters();
  #isLoaded = false;
  #running: Promise<void> | undefined;
  #wanted = 0n;
  /** What was given up must not look done: the work list keeps the conversation for others. */
  #owed = 0n;
  #expected = 0;
  #blindLooks = 0;
  #hasWarned = false;
  /** Everything up to here was looked at, and where `#cursor` is. */
  #position = 0n;
  #mode: ModeAt = { mode: 'write', at: 0n };
  /** May be ahead of the position, when others have gone further. */
  #newestMode: ModeAt = this.#mode;
  /** Cursors of entries that some inbox may still lack, oldest first: the durable position stays before them. */
  #undurable: { seqId: bigint; cursor: Cursor }[] = [];
  #durable = 0n;

  constructor(context: Context<M>, conversation: string) {
    this.conversation = conversation;
    this.#context = context;
    this.#timeline = context.store.timeline(conversation);
    this.#copies = new Copies(context.sync, context.closing, () => this.#settle());
  }

  /** Work is under way, or an inbox is behind. */
  get isBusy(): boolean {
    return this.#running !== undefined || !this.#waiters.isEmpty || this.#copies.missing !== undefined;
  }

  /** Nothing of this conversation is left to do, as far as this process knows, and the position says so. */
  get isDone(): boolean {
    return !this.isBusy && this.#expected === 0 && this.#durable >= this.#wanted && this.#durable >= this.#owed;
  }

  /** An append is about to happen; the function returned says that it has been seen to. */
  expect(): () => void {
    this.#expected++;
    return () => {
      this.#expected--;
    };
  }

  /** The newest mode that is known here. */
  async mode(): Promise<ModeAt> {
    if (!this.#isLoaded) await this.#load();
    return this.#newestMode;
  }

  /** An entry that this process appended: nobody else needs to be asked whether it was diffused. */
  own(seqId: bigint): void {
    this.#own.add(seqId);
  }

  /** Resolves once every recipient of this entry, and of all before it, has it. */
  through(seqId: bigint): Promise<Delivery> {
    if (this.#durable >= seqId) return Promise.resolve(this.#results.of(seqId));
    if (this.#context.closing.aborted) return Promise.reject(closedError());
    if (seqId > this.#wanted) this.#wanted = seqId;
    const delivery = this.#waiters.wait(seqId);
    this.#start();
    return delivery;
  }

  /** For when no one waits: an append whose outcome is unknown. */
  async catchUp(): Promise<void> {
    const { lastSeqId } = await this.#timeline.head();
    if (lastSeqId > 0n) await this.through(lastSeqId);
  }

  /** For closing: resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#copies.settled();
    this.#settle();
    this.#giveUp(closedError());
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#settle();
      if (this.#position < this.#wanted) this.#start();
    });
  }

  /** A store that is away is waited for; closing gives up. */
  async #run(): Promise<void> {
    for (let failures = 0; this.#position < this.#wanted; ) {
      try {
        await this.#step();
        failures = 0;
      } catch (error) {
        const code = isTimelineError(error) ? error.code : undefined;
        if (code === 'TIMELINE_ROLLED_BACK' || code === 'TIMELINE_EPOCH_CHANGED') this.#forget();
        if (code === 'TIMELINE_CLOSED' || this.#context.closing.aborted) return this.#giveUp(error);
        // A callback answered nonsense: who waits is told, and the fan-out goes on once that is mended.
        if (code === 'TIMELINE_INVALID_ARGUMENT') this.#waiters.rejectAll(error as TimelineError);
        if (failures++ === 0)
          this.#context.warn({ code: 'fan-out-waits', message: `a fan-out waits: ${reasonOf(error)}` });
        await pause(Math.min(MAX_PAUSE_MS, 50 * 2 ** failures), this.#context.closing);
      }
    }
  }

  /** The conversation is not what it was: begin again from its durable position. */
  #forget(): void {
    this.#isLoaded = false;
    this.#position = 0n;
    this.#durable = 0n;
    this.#undurable = [];
  }

  #giveUp(cause: unknown): void {
    this.#waiters.rejectAll(failedError(cause));
    if (this.#wanted > this.#owed) this.#owed = this.#wanted;
    this.#wanted = this.#position;
  }

  async #load(): Promise<void> {
    const { store, positions } = this.#context;
    // In this order: a mode is recorded before the position passes its marker.
    const [cursor] = await positions.get([this.conversation]);
    await this.#jump(cursor, await modesOf(store, this.conversation));
    this.#isLoaded = true;
  }

  async #jump(cursor: Cursor | undefined, modes: readonly ModeAt[]): Promise<void> {
    const initial: ModeAt = { mode: (await this.#context.beginning()).mode, at: 0n };
    const newest = modes.at(-1) ?? initial;
    if (!this.#isLoaded || newest.at > this.#newestMode.at) this.#newestMode = newest;
    const position = cursor === undefined ? 0n : await resumeAt(this.#context, this.#timeline, cursor);
    if (position < this.#position || (position === this.#position && this.#isLoaded)) return;
    this.#position = position;
    if (position > this.#durable) this.#durable = position;
    this.#mode = modes.filter(({ at }) => at <= position).at(-1) ?? initial;
    await this.#context.directory.refresh?.(this.conversation);
  }

  async #step(): Promise<void> {
    if (!this.#isLoaded) await this.#load();
    const wanted = this.#wanted;
    if (this.#position >= wanted) return;
    const { entries, head, truncated } = await this.#timeline.read({ after: this.#position, limit: PAGE, ...lenient });
    if (entries.length === 0 && truncated) return this.#passOver(truncated.through);
    if (entries.length === 0) return this.#awaitVisibility(wanted, head.lastSeqId);
    this.#blindLooks = 0;
    if (!entries.every(({ seqId }) => this.#own.has(seqId))) {
      const { store, positions } = this.#context;
      const [cursor] = await positions.get([this.conversation]);
      const before = this.#position;
      if (cursor !== undefined) await this.#jump(cursor, await modesOf(store, this.conversation));
      if (this.#position > before) this.#settle();
    }
    for (const entry of entries) {
      if (entry.seqId <= this.#position) continue;
      this.#results.add(entry.seqId, await this.#process(entry));
      this.#own.delete(entry.seqId);
      this.#position = entry.seqId;
      this.#undurable.push({ seqId: entry.seqId, cursor: entry.cursor });
      this.#settle();
    }
  }

  /** What was acknowledged is there, or comes once it has settled, unless the store lost it. */
  async #awaitVisibility(wanted: bigint, lastSeqId: bigint): Promise<void> {
    if (lastSeqId >= wanted && ++this.#blindLooks > BLIND_LOOKS) throw unseenError(this.conversation, wanted);
    if (lastSeqId >= wanted) return pause(SETTLE_MS, this.#context.closing);
    if (this.#wanted === wanted) this.#wanted = this.#position;
    this.#waiters.reject(lastSeqId, wanted, lostError(this.conversation, lastSeqId));
  }

  /** Entries that were trimmed, or have expired, before they were diffused: nobody gets them any more. */
  async #passOver(through: bigint): Promise<void> {
    const { next } = await this.#timeline.read({ after: through, before: through + 1n, limit: 1, ...lenient });
    this.#waiters.reject(this.#position, through, goneError(this.conversation, through));
    this.#position = through;
    this.#undurable.push({ seqId: through, cursor: next });
    this.#settle();
  }

  async #process(entry: TimelineEntry<Stored<M>>): Promise<Tally | undefined> {
    const { directory } = this.#context;
    const message = entry.deleted ? undefined : entry.message;
    if (isUndecodable(message)) return this.#refer(entry);
    switch (message?.kind) {
      case 'edit':
      case 'recall':
        await amend(this.#timeline, entry.seqId, message, this.#context.closing);
        return this.#copy(entry, message);
      case 'message':
        return this.#copy(entry, message);
      case 'join':
        await admit(
          this.#context,
          { conversation: this.conversation, entry, users: message.users, mode: this.#mode.mode },
          this.#copies,
        );
        return undefined;
      case 'leave':
        await directory.apply?.(this.conversation, { kind: 'leave', users: message.users, at: entry.seqId });
        return undefined;
      case 'mode':
        return this.#switch(entry, { mode: message.mode, at: entry.seqId });
      default:
        return undefined;
    }
  }

  /** It may decode elsewhere: whoever reads the reference looks again. */
  async #refer(entry: TimelineEntry<Stored<M>>): Promise<Tally | undefined> {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      const message = `entry ${entry.seqId} of ${JSON.stringify(this.conversation)} does not decode; inboxes get a reference to it`;
      this.#context.warn({ code: 'undecodable-entry', message });
    }
    return this.#mode.mode === 'read' ? undefined : this.#send(entry, referenceTo(this.conversation, entry));
  }

  async #copy(entry: TimelineEntry<Stored<M>>, message: Diffused<M>): Promise<Tally | undefined> {
    if (this.#mode.mode === 'read') return undefined;
    const copy = copyOf(this.#context, this.conversation, entry, message);
    return this.#send(entry, copy, message.sender);
  }

  #send(entry: TimelineEntry<Stored<M>>, message: Synced<M>, sender?: string): Promise<Tally> {
    const { directory } = this.#context;
    const recipients = withSender(each(directory.members(this.conversation, { at: entry.seqId })), sender);
    return this.#copies.send({ seqId: entry.seqId, key: copyKey(this.conversation, entry), message }, recipients);
  }

  /** A mode counts as changed once every inbox has heard of it: devices rely on that when they look it up. */
  async #switch(entry: TimelineEntry<Stored<M>>, next: ModeAt): Promise<Tally | undefined> {
    let told: Tally | undefined;
    const isFirst = this.#position === 0n;
    if (next.mode === 'read' && this.#mode.mode === 'write' && !isFirst) {
      await recordMode(this.#context.store, this.conversation, next, 'begun');
      told = await this.#send(entry, { kind: 'mode', conversation: this.conversation, seqId: String(entry.seqId) });
      await this.#copies.settled();
      if (this.#context.closing.aborted && this.#copies.missing !== undefined) throw closedError();
    }
    // Who was put on the caller's list while nobody's inbox was written finds here what to read before what follows.
    if (next.mode === 'write' && this.#mode.mode === 'read' && !this.#context.directory.apply) {
      const since = String(this.#mode.at);
      told = await this.#send(entry, { kind: 'mode', conversation: this.conversation, seqId: since, from: since });
    }
    await recordMode(this.#context.store, this.conversation, next, 'done');
    this.#mode = next;
    if (next.at > this.#newestMode.at) this.#newestMode = next;
    return told;
  }

  /** Moves the durable position up to what every inbox holds, and answers who waited for that. */
  #settle(): void {
    const missing = this.#copies.missing;
    let moved: { seqId: bigint; cursor: Cursor } | undefined;
    while (this.#undurable[0] && (missing === undefined || this.#undurable[0].seqId < missing))
      moved = this.#undurable.shift();
    if (moved) {
      if (moved.seqId > this.#durable) this.#durable = moved.seqId;
      this.#context.positions.note(this.conversation, moved.cursor);
    }
    this.#waiters.resolve(this.#durable, (seqId) => this.#results.of(seqId));
  }
}
