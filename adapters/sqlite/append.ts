import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call, Hint, Payload, Row, Write, WriteOutcome } from '../../src/adapter.js';
import { isTimelineError, type TimelineError } from '../../src/errors.js';
import { cutoff, type KnownKey, type Plan, planWrite } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './file/client.js';
import { busy } from './file/sqlite-errors.js';
import type { StoredHead } from './heads.js';
import type { LibraryContext } from './library-context.js';

/** A transaction takes further writes for this long, then commits and lets the event loop run. */
const TRANSACTION_MS = 4;

type KeyRow = [seq: bigint, hash: string, at: bigint];

/** Group commit: the writes of a call share transactions, and a write that fails fails alone. */
export class Appender {
  readonly #library: LibraryContext;
  readonly #insert: SqliteStatement;
  readonly #insertPointer: SqliteStatement;
  readonly #insertBody: SqliteStatement;
  readonly #countRefs: SqliteStatement;
  readonly #insertTimeline: SqliteStatement;
  readonly #findKey: SqliteStatement;
  readonly #putKey: SqliteStatement;

  constructor(library: LibraryContext) {
    this.#library = library;
    const { database } = library.connection;
    this.#insert = database.prepare(
      'INSERT INTO timeline_entries (timeline, seq, at, body, key, previous) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#insertPointer = database.prepare(
      'INSERT INTO timeline_entries (timeline, seq, at, ref, key, previous) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#insertBody = database.prepare('INSERT INTO timeline_bodies (body, refs) VALUES (?, 0)');
    this.#countRefs = database.prepare('UPDATE timeline_bodies SET refs = ? WHERE id = ?');
    this.#insertTimeline = database.prepare('INSERT INTO timeline_timelines (library, name) VALUES (?, ?)');
    this.#findKey = database
      .prepare('SELECT seq, hash, at FROM timeline_keys WHERE timeline = ? AND key = ?')
      .raw()
      .safeIntegers();
    this.#putKey = database.prepare(
      'INSERT OR REPLACE INTO timeline_keys (timeline, key, seq, hash, at) VALUES (?, ?, ?, ?, ?)',
    );
  }

  append(writes: readonly Write[], { deadline }: Call): Promise<WriteOutcome[]> {
    return this.#library.connection.exclusive(async () => {
      const outcomes: WriteOutcome[] = [];
      const failedTimelines: FailedTimelines = new Map();
      const failThrough = (end: number, error: TimelineError) => {
        while (outcomes.length < end) outcomes.push({ ok: false, error });
      };
      /** Writes before this index are committed one by one, to find the one that made their transaction fail. */
      let oneByOneUntil = 0;
      while (outcomes.length < writes.length) {
        const start = outcomes.length;
        if (start > 0) await nextTurn();
        if (start > 0 && performance.now() >= deadline) {
          failThrough(writes.length, busy('there was no time left for this write'));
          break;
        }
        const end = start < oneByOneUntil ? start + 1 : writes.length;
        const result = await this.#commitSome(writes, { start, end }, deadline, failedTimelines);
        if (!result.error) {
          outcomes.push(...result.outcomes);
          continue;
        }
        const { error, attempted } = result;
        if (error.outcome === 'not-applied' && attempted > start + 1) {
          oneByOneUntil = attempted;
          continue;
        }
        if (error.retryable) failedTimelines.set(writes[start]!.timeline, error);
        failThrough(error.code === 'TIMELINE_BUSY' ? writes.length : attempted, error);
      }
      return outcomes;
    });
  }

  /** Commits as many writes as fit in the time of one transaction, at least one. */
  async #commitSome(
    writes: readonly Write[],
    { start, end }: { readonly start: number; readonly end: number },
    deadline: number,
    failedTimelines: FailedTimelines,
  ): Promise<CommitResult> {
    const { connection, state, commitWatch } = this.#library;
    let attempted = start + 1;
    try {
      const { outcomes, added } = await connection.writeNow(deadline, () => {
        const until = performance.now() + TRANSACTION_MS;
        const transaction = new AppendTransaction(state.clock.entryTime(), state.clock.expiryTime());
        const done: WriteOutcome[] = [];
        for (attempted = start; attempted < end && (attempted === start || performance.now() < until); ) {
          const write = writes[attempted++]!;
          const error = failedTimelines.get(write.timeline);
          done.push(error ? { ok: false, error } : this.#apply(write, transaction));
        }
        for (const { id, refs } of transaction.bodies.values()) this.#countRefs.run(refs, id);
        state.noteWrite();
        return { outcomes: done, added: transaction.added };
      });
      for (const { timeline, epoch, rows } of added) commitWatch.wake(this.#library.id, timeline, { epoch, rows });
      return { outcomes };
    } catch (error) {
      return { error: error as TimelineError, attempted };
    }
  }

  /** Checks everything that may refuse the write before the first row goes in. */
  #apply(write: Write, transaction: AppendTransaction): WriteOutcome {
    const { connection, heads } = this.#library;
    const head = heads.get(write.timeline);
    try {
      const plan = planWrite(write, head?.last ?? 0n, (key) => this.#knownKey(head, key, transaction.expiryTime));
      this.#store(write.timeline, plan, head, transaction);
      return { ok: true, epoch: head?.epoch ?? connection.epoch, entries: plan.appended };
    } catch (error) {
      if (isTimelineError(error)) return { ok: false, error };
      throw error;
    }
  }

  #knownKey(head: StoredHead | undefined, key: string, now: number): KnownKey | undefined {
    const row = head && (this.#findKey.get(head.id, key) as KeyRow | undefined);
    return row && Number(row[2]) > cutoff(now, this.#library.state.keyWindowMs)
      ? { seqId: row[0], hash: row[1] }
      : undefined;
  }

  #store(timeline: string, { fresh }: Plan, known: StoredHead | undefined, transaction: AppendTransaction): void {
    if (fresh.length === 0) return;
    const head = (known && this.#withoutFutureTime(timeline, known, transaction)) ?? this.#createTimeline(timeline);
    const at = Math.max(transaction.entryTime, head.lastAt);
    if (this.#library.commitWatch.isWatched(this.#library.id, timeline))
      transaction.added.push({
        timeline,
        epoch: head.epoch ?? this.#library.connection.epoch,
        rows: fresh.map((each) => toRow(each, at)),
      });
    for (const { seqId, entry } of fresh) {
      const { key, payload } = entry;
      const previous = seqId === head.last + 1n ? null : head.last;
      if (payload.shared)
        this.#insertPointer.run(head.id, seqId, at, this.#sharedBody(payload, transaction), key ?? null, previous);
      else this.#insert.run(head.id, seqId, at, payload.body, key ?? null, previous);
      if (key !== undefined) this.#putKey.run(head.id, key, seqId, payload.hash, transaction.expiryTime);
      head.first ??= seqId;
      head.last = seqId;
    }
    if (head.first === fresh[0]?.seqId) head.firstAt = at;
    head.lastAt = at;
  }

  /** Corrects entry times of the future, which only a wrong clock can have given. Returns the head as it is then. */
  #withoutFutureTime(timeline: string, head: StoredHead, transaction: AppendTransaction): StoredHead | undefined {
    if (head.lastAt <= transaction.entryTime || !this.#library.state.clock.isFuture(head.lastAt)) return head;
    this.#library.futureTimes.correct(timeline, head.id, head.last);
    const corrected = this.#library.heads.get(timeline);
    // A Timeline without entries has the time of the last one removed.
    if (corrected && this.#library.state.clock.isFuture(corrected.lastAt)) corrected.lastAt = transaction.entryTime;
    return corrected;
  }

  #createTimeline(name: string): StoredHead {
    const id = Number(this.#insertTimeline.run(this.#library.id, name).lastInsertRowid);
    const head: StoredHead = { id, epoch: undefined, floor: 0n, first: undefined, firstAt: 0, last: 0n, lastAt: 0 };
    this.#library.heads.set(name, head);
    return head;
  }

  #sharedBody(payload: Payload, transaction: AppendTransaction): number | bigint {
    let body = transaction.bodies.get(payload);
    if (!body) {
      body = { id: this.#insertBody.run(payload.body).lastInsertRowid, refs: 0 };
      transaction.bodies.set(payload, body);
    }
    body.refs++;
    return body.id;
  }
}

/** The row of a new entry, as a read returns it. */
function toRow({ seqId, entry }: Plan['fresh'][number], appendedAt: number): Row {
  const { key, payload } = entry;
  const body = typeof payload.body === 'string' ? payload.body : new Uint8Array(payload.body);
  return { seqId, appendedAt, body, ...(key !== undefined && { key }), revision: 0 };
}

/** Shared by the writes of one transaction: their time, bodies stored once, and what is new of watched Timelines. */
class AppendTransaction {
  readonly bodies = new Map<Payload, { readonly id: number | bigint; refs: number }>();
  readonly added: ({ readonly timeline: string } & Hint)[] = [];

  constructor(
    readonly entryTime: number,
    readonly expiryTime: number,
  ) {}
}

/** Timelines with a write that may be retried: later writes to them fail the same way, lest they overtake it. */
type FailedTimelines = Map<string, TimelineError>;

/** `attempted`: the index behind the last write of the transaction that failed. */
type CommitResult =
  | { readonly error?: undefined; readonly outcomes: WriteOutcome[] }
  | { readonly error: TimelineError; readonly attempted: number };
