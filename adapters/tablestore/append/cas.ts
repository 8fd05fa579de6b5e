import type { Appended, Call, Write, WriteEntry, WriteOutcome } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { planWrite } from '../../../src/plan.js';
import { pause, pauseAfter } from '../../../src/retry.js';
import type { Context } from '../context.js';
import type { Ends } from '../read/bounds.js';
import { StoreError, toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import type { Directory } from '../tables/timeline-rows.js';
import type { TimelineState } from '../timeline-state.js';
import { type KnownKey, Ledger } from './append-state.js';
import { Turns } from './fairness.js';
import { RowBatcher } from './row-batcher.js';

/** Of one row, and so of one `appendMany`. */
export const MAX_ENTRIES = 1000;
export const MAX_ROW_BYTES = 2 ** 20;

const MOST_LEDGERS = 10_000;
const MOST_KEYS = 1_000_000;
/** Bodies and keys of one row; what `m` says of the keys in JSON must fit into one column. */
const MAX_COLUMNS_BYTES = 2 * 2 ** 20;

/** What the next row of a Timeline holds, and what it makes of the writes that it answers. */
interface PlannedRow {
  readonly entries: WriteEntry[];
  /** One for each write, in order. */
  readonly outcomes: WriteOutcome[];
  /** Some refusal rests on the tail, which others may have moved meanwhile. */
  readonly doubtful: boolean;
}

/**
 * Appends with dense ids: each row is put behind the tail under the condition that nothing is there, so of two writers one fails, looks at
 * what the other wrote, and decides anew. All writes to one Timeline that one row can hold share it. Rows of one Timeline go one after
 * another, those of different Timelines together.
 */
export class CasAppender {
  readonly #ledgers = new Map<string, Ledger>();
  readonly #batcher: RowBatcher;
  readonly #turns: Turns;
  #keys = 0;

  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
    private readonly ends: Ends,
  ) {
    this.#batcher = new RowBatcher(context);
    this.#turns = new Turns(context);
    context.record.onRenewed(() => this.#forget());
  }

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const groups = new Map<string, number[]>();
    writes.forEach(({ timeline }, place) => {
      const places = groups.get(timeline);
      if (places) places.push(place);
      else groups.set(timeline, [place]);
    });
    const outcomes = new Array<WriteOutcome>(writes.length);
    await Promise.all(
      [...groups].map(async ([timeline, places]) => {
        const own = await this.#appendTo(
          timeline,
          places.map((place) => writes[place] as Write),
          call,
        );
        places.forEach((place, i) => {
          outcomes[place] = own[i] as WriteOutcome;
        });
      }),
    );
    return outcomes;
  }

  #forget(): void {
    this.#ledgers.clear();
    this.#keys = 0;
  }

  /** The writes to one Timeline. When one fails because the store does, those behind it fail too. */
  async #appendTo(timeline: string, writes: readonly Write[], call: Call): Promise<WriteOutcome[]> {
    const done: WriteOutcome[] = [];
    try {
      for (let times = 0; done.length < writes.length; ) {
        const { epoch } = this.context;
        const state = this.context.state(timeline);
        const ledger = await this.#ledger(state, writes.slice(done.length), call);
        const isFresh = await this.#takeTurn(state, ledger, call);
        const row = await this.#planned(ledger, writes.slice(done.length), isFresh, call);
        if (epoch !== this.context.epoch) continue;
        if (row.entries.length === 0 || (await this.#put(state, ledger, row.entries, { call, times }))) {
          done.push(...row.outcomes);
          times = 0;
        } else {
          if (performance.now() >= call.deadline) throw contended(timeline);
          if (epoch === this.context.epoch) times++;
          await this.#turns.scatter(call);
        }
      }
    } catch (cause) {
      const error = toTimelineError(cause, 'write');
      while (done.length < writes.length) done.push({ ok: false, error });
    }
    return done;
  }

  /** Resolves with whether the tail was looked at. */
  async #takeTurn(state: TimelineState, ledger: Ledger, call: Call): Promise<boolean> {
    if (!(await this.#turns.wait(state, call))) return false;
    const { last } = ledger;
    await ledger.catchUp(call);
    this.#turns.waited(state, ledger.last > last);
    return true;
  }

  /** What is refused on the ground of the tail is decided again behind a fresh one. */
  async #planned(ledger: Ledger, writes: readonly Write[], isFresh: boolean, call: Call): Promise<PlannedRow> {
    const row = this.#plan(ledger, writes);
    if (!row.doubtful || isFresh) return row;
    await ledger.catchUp(call);
    return this.#plan(ledger, writes);
  }

  async #ledger(state: TimelineState, writes: readonly Write[], call: Call): Promise<Ledger> {
    const known = this.#ledgers.get(state.timeline);
    const ledger = known ?? new Ledger(this.context, this.ends, state);
    const needsKeys = !ledger.hasKeys && writes.some(({ entries }) => entries.some(({ key }) => key !== undefined));
    const { epoch } = this.context;
    if (!known || needsKeys) await ledger.load(needsKeys, call);
    if (epoch === this.context.epoch) this.#remember(state.timeline, ledger);
    return ledger;
  }

  #remember(timeline: string, ledger: Ledger): void {
    this.#ledgers.delete(timeline);
    this.#ledgers.set(timeline, ledger);
    this.#keys += ledger.growth();
    for (const [oldest, { size }] of this.#ledgers) {
      if (this.#ledgers.size <= MOST_LEDGERS && this.#keys <= MOST_KEYS) return;
      this.#ledgers.delete(oldest);
      this.#keys -= size;
    }
  }

  #plan(ledger: Ledger, writes: readonly Write[]): PlannedRow {
    const entries: WriteEntry[] = [];
    const outcomes: WriteOutcome[] = [];
    const planned = new Map<string, KnownKey>();
    let doubtful = false;
    let bytes = 0;
    for (const write of writes) {
      const size = sizeOf(write);
      if (entries.length > 0 && (entries.length + write.entries.length > MAX_ENTRIES || bytes + size > MAX_ROW_BYTES))
        break;
      const last = ledger.last + BigInt(entries.length);
      try {
        if (size > MAX_COLUMNS_BYTES) throw tooLarge(write.timeline);
        const { appended, fresh } = planWrite(write, last, (key) => planned.get(key) ?? ledger.lookUp(key));
        for (const { seqId, entry } of fresh) {
          entries.push(entry);
          if (entry.key !== undefined) planned.set(entry.key, { seqId, hash: entry.payload.hash ?? '', at: 0 });
        }
        if (fresh.length > 0) bytes += size;
        outcomes.push(this.#applied(appended));
      } catch (cause) {
        const error = toTimelineError(cause, 'write');
        doubtful ||= error.code === 'TIMELINE_CONFLICT';
        outcomes.push({ ok: false, error });
      }
    }
    return { entries, outcomes, doubtful };
  }

  #applied(entries: readonly Appended[]): WriteOutcome {
    return { ok: true, epoch: this.context.epoch, entries };
  }

  /**
   * Resolves with false if the row is not there: another writer was first, or the tables turned out to be others. Whether an attempt
   * without answer succeeded is told by the next one.
   */
  async #put(
    state: TimelineState,
    ledger: Ledger,
    entries: readonly WriteEntry[],
    { call, times }: { readonly call: Call; readonly times: number },
  ): Promise<boolean> {
    const token = this.context.token();
    const at = this.context.clock.entryTime(ledger.at);
    const rowId = ledger.last + 1n;
    const fresh = entries.map(({ payload, key }) => ({ body: payload.body, key, hash: payload.hash }));
    const put = this.context.layout.encode({ entries: fresh, token });
    const version = this.context.versionOf(at);
    const key = this.context.rowKey(state, rowId);
    const row: RowWrite = { table: this.context.tables.entries, key, type: 'PUT', put, version, expect: 'missing' };
    const marks = this.#marks(state.timeline, rowId, entries.length);
    /** Once an attempt went without answer, no later refusal says that nothing was written. */
    let doubt: TimelineError | undefined;
    for (let attempt = 1; ; attempt++) {
      const ask = this.#turns.ask(state);
      const begun = performance.now();
      const { results, sound } = await this.#batcher.write([row, ...marks, ...(ask ? [ask] : [])], call);
      const result = results[0] as RowResult;
      if (!sound) {
        if (result.ok || result.error.failure === 'ambiguous') await this.#undo(row, token, marks, call);
        if (this.context.record.isSuspect) throw this.context.record.gone();
        return false;
      }
      if (result.ok) {
        this.#turns.succeeded(state, begun, ask && results.at(-1));
        fresh.forEach((entry, i) => {
          ledger.appended(rowId + BigInt(i), at, entry.key, entry.hash);
          // The service's time of it is not known before it is read.
          state.placed(rowId + BigInt(i), rowId, version ?? 0);
        });
        this.#keepMarks(marks, results.slice(1));
        return true;
      }
      const { failure } = result.error;
      if (failure === 'condition') {
        const [isOurs] = await Promise.all([
          ledger.catchUp(call, token).catch((error: unknown) => Promise.reject(doubt ?? error)),
          this.#turns.beaten(state, times + 1, call),
        ]);
        if (isOurs) this.#keepMarks(marks, results.slice(1));
        return isOurs;
      }
      const error = toTimelineError(result.error, 'write');
      if (failure === 'ambiguous') doubt = error;
      const ms = doubt && result.error.isPassing ? pauseAfter(attempt, error, call.deadline) : undefined;
      if (ms === undefined) throw doubt ?? error;
      await pause(ms);
    }
  }

  /** Takes back what was written behind a tail that was another life's. */
  async #undo(row: RowWrite, token: string, marks: readonly RowWrite[], call: Call): Promise<void> {
    const own = [
      { column: this.context.layout.tokenColumn as string, is: 'EQUAL', value: token, passIfMissing: false } as const,
    ];
    const removal: RowWrite = { table: row.table, key: row.key, type: 'DELETE', condition: own };
    const raised = marks.flatMap(({ table, key, put = [] }): RowWrite[] => {
      const last = put.find(({ name }) => name === 'last');
      if (!last) return [];
      const condition = [{ column: 'last', is: 'EQUAL', value: last.value, passIfMissing: false } as const];
      return [{ table, key, type: 'UPDATE', remove: ['last'], condition }];
    });
    const [result] = await this.context.requests.write([removal, ...raised], call);
    if (result?.ok === false && result.error.failure !== 'condition' && result.error.failure !== 'missing') {
      throw toTimelineError(
        new StoreError('ambiguous', `a table was made again meanwhile: ${result.error.message}`),
        'write',
      );
    }
  }

  /** The rows that outlive the entries: the first entry lists its Timeline, and where all may expire each tells the last SeqId. */
  #marks(timeline: string, rowId: bigint, count: number): RowWrite[] {
    if (this.context.ttlMs === undefined && rowId > 1n) return [];
    return [this.directory.tail(timeline, rowId + BigInt(count - 1), rowId === 1n)];
  }

  #keepMarks(marks: readonly RowWrite[], results: readonly RowResult[]): void {
    results.slice(0, marks.length).forEach((result, i) => {
      if (!result.ok && result.error.failure !== 'condition') this.context.later.add(marks[i] as RowWrite);
    });
  }
}

function sizeOf({ entries }: Write): number {
  let size = 0;
  for (const { payload, key } of entries) {
    size += typeof payload.body === 'string' ? Buffer.byteLength(payload.body) : payload.body.length;
    // A control character takes six bytes in JSON.
    size += key === undefined ? 0 : 6 * key.length;
  }
  return size;
}

function tooLarge(timeline: string): TimelineError {
  const message = `the keys of one write are longer together than a row can hold, ${MAX_COLUMNS_BYTES} bytes with the messages`;
  return new TimelineError('TIMELINE_TOO_LARGE', message, { timeline, argument: 'keys', limit: MAX_COLUMNS_BYTES });
}

function contended(timeline: string): TimelineError {
  return new TimelineError('TIMELINE_BUSY', 'other writers were faster all the time', { timeline, retryable: true });
}
