import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call, Payload, Write, WriteOutcome } from '../../src/adapter.js';
import { isTimelineError, type TimelineError } from '../../src/errors.js';
import { cutoff, type KnownKey, type Plan, planWrite } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './client.js';
import type { Head } from './heads.js';
import type { LibraryContext } from './library.js';
import { busy } from './sqlite-errors.js';

/** A transaction takes further writes for so long, then commits and lets the event loop run. */
const SLICE_MS = 4;

type KeyRow = [seq: bigint, hash: string, at: bigint];

/** Group commit: the writes of a call share transactions, and a write that fails takes no neighbour along. */
export class Appender {
  private readonly insert: SqliteStatement;
  private readonly insertPointer: SqliteStatement;
  private readonly insertBody: SqliteStatement;
  private readonly countRefs: SqliteStatement;
  private readonly insertTimeline: SqliteStatement;
  private readonly findKey: SqliteStatement;
  private readonly putKey: SqliteStatement;

  constructor(private readonly library: LibraryContext) {
    const { database } = library.connection;
    this.insert = database.prepare(
      'INSERT INTO timeline_entries (timeline, seq, at, body, key, previous) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.insertPointer = database.prepare(
      'INSERT INTO timeline_entries (timeline, seq, at, ref, key, previous) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.insertBody = database.prepare('INSERT INTO timeline_bodies (body, refs) VALUES (?, 0)');
    this.countRefs = database.prepare('UPDATE timeline_bodies SET refs = ? WHERE id = ?');
    this.insertTimeline = database.prepare('INSERT INTO timeline_timelines (library, name) VALUES (?, ?)');
    this.findKey = database
      .prepare('SELECT seq, hash, at FROM timeline_keys WHERE timeline = ? AND key = ?')
      .raw()
      .safeIntegers();
    this.putKey = database.prepare(
      'INSERT OR REPLACE INTO timeline_keys (timeline, key, seq, hash, at) VALUES (?, ?, ?, ?, ?)',
    );
  }

  append(writes: readonly Write[], { deadline }: Call): Promise<WriteOutcome[]> {
    return this.library.connection.exclusive(async () => {
      const outcomes: WriteOutcome[] = [];
      const stopped: Stopped = new Map();
      let alone = 0;
      const failThrough = (end: number, error: TimelineError) => {
        while (outcomes.length < end) outcomes.push({ ok: false, error });
      };
      while (outcomes.length < writes.length) {
        const start = outcomes.length;
        if (start > 0) await nextTurn();
        if (start > 0 && performance.now() >= deadline) {
          failThrough(writes.length, busy('there was no time left for this write'));
          break;
        }
        const slice = await this.commitSlice(
          writes,
          start,
          start < alone ? start + 1 : writes.length,
          deadline,
          stopped,
        );
        if (!slice.error) outcomes.push(...slice.outcomes);
        else if (slice.error.outcome === 'not-applied' && slice.attempted > start + 1) alone = slice.attempted;
        else {
          const { error } = slice;
          if (error.retryable) stopped.set(writes[start]!.timeline, error);
          failThrough(error.code === 'TIMELINE_BUSY' ? writes.length : slice.attempted, error);
        }
      }
      return outcomes;
    });
  }

  /** As many writes as fit the time, at least one, in one transaction. */
  private async commitSlice(
    writes: readonly Write[],
    start: number,
    end: number,
    deadline: number,
    stopped: Stopped,
  ): Promise<SliceResult> {
    const { connection, state, watchers } = this.library;
    let attempted = start + 1;
    try {
      const outcomes = await connection.writeNow(deadline, () => {
        const until = performance.now() + SLICE_MS;
        const slice = new Slice(state.clock.entryTime(), state.clock.expiryTime());
        const done: WriteOutcome[] = [];
        for (attempted = start; attempted < end && (attempted === start || performance.now() < until); ) {
          const write = writes[attempted++]!;
          const error = stopped.get(write.timeline);
          done.push(error ? { ok: false, error } : this.apply(write, slice));
        }
        for (const { id, refs } of slice.bodies.values()) this.countRefs.run(refs, id);
        state.noteWrite();
        return done;
      });
      watchers.wake(this.library.id, writes, start, attempted);
      return { outcomes };
    } catch (error) {
      return { error: error as TimelineError, attempted };
    }
  }

  /** Everything that may refuse the write is looked at before the first row goes in. */
  private apply(write: Write, slice: Slice): WriteOutcome {
    const { connection, heads } = this.library;
    const head = heads.get(write.timeline);
    try {
      const plan = planWrite(write, head?.last ?? 0n, (key) => this.knownKey(head, key, slice.expiryTime));
      this.store(write.timeline, plan, head, slice);
      return { ok: true, epoch: connection.epoch, entries: plan.appended };
    } catch (error) {
      if (isTimelineError(error)) return { ok: false, error };
      throw error;
    }
  }

  private knownKey(head: Head | undefined, key: string, now: number): KnownKey | undefined {
    const row = head && (this.findKey.get(head.id, key) as KeyRow | undefined);
    return row && Number(row[2]) > cutoff(now, this.library.state.keyWindowMs)
      ? { seqId: row[0], hash: row[1] }
      : undefined;
  }

  private store(timeline: string, { fresh }: Plan, known: Head | undefined, slice: Slice): void {
    if (fresh.length === 0) return;
    const head = (known && this.sane(timeline, known, slice)) ?? this.createTimeline(timeline);
    const at = Math.max(slice.entryTime, head.lastAt);
    for (const { seqId, entry } of fresh) {
      const { key, payload } = entry;
      const previous = seqId === head.last + 1n ? null : head.last;
      if (payload.shared)
        this.insertPointer.run(head.id, seqId, at, this.sharedBody(payload, slice), key ?? null, previous);
      else this.insert.run(head.id, seqId, at, payload.body, key ?? null, previous);
      if (key !== undefined) this.putKey.run(head.id, key, seqId, payload.hash, slice.expiryTime);
      head.first ??= seqId;
      head.last = seqId;
    }
    if (head.first === fresh[0]?.seqId) head.firstAt = at;
    head.lastAt = at;
  }

  /** The head, after times of its entries that only a wrong clock can have given are set right. */
  private sane(timeline: string, head: Head, slice: Slice): Head | undefined {
    if (head.lastAt <= slice.entryTime || !this.library.state.clock.isFuture(head.lastAt)) return head;
    this.library.healing.step(timeline, head.id, head.last);
    const healed = this.library.heads.get(timeline);
    // Where no entry is left, it is the time of the last that was removed.
    if (healed && this.library.state.clock.isFuture(healed.lastAt)) healed.lastAt = slice.entryTime;
    return healed;
  }

  private createTimeline(name: string): Head {
    const id = Number(this.insertTimeline.run(this.library.id, name).lastInsertRowid);
    const head: Head = { id, floor: 0n, first: undefined, firstAt: 0, last: 0n, lastAt: 0 };
    this.library.heads.set(name, head);
    return head;
  }

  private sharedBody(payload: Payload, slice: Slice): number | bigint {
    let body = slice.bodies.get(payload);
    if (!body) {
      body = { id: this.insertBody.run(payload.body).lastInsertRowid, refs: 0 };
      slice.bodies.set(payload, body);
    }
    body.refs++;
    return body.id;
  }
}

/** What the writes of one transaction share. */
class Slice {
  readonly bodies = new Map<Payload, { readonly id: number | bigint; refs: number }>();

  constructor(
    readonly entryTime: number,
    readonly expiryTime: number,
  ) {}
}

/** Timelines with a write that may be retried: what follows it must not overtake it. */
type Stopped = Map<string, TimelineError>;

/** `attempted`: the index behind the last write that the failed transaction had begun with. */
type SliceResult =
  | { readonly error?: undefined; readonly outcomes: WriteOutcome[] }
  | { readonly error: TimelineError; readonly attempted: number };
