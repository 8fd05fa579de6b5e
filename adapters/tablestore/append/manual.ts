import type { Call } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { TimelineError } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { pause, seqIdConflict } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { type StoreError, toTimelineError } from '../service/errors.js';
import { ROWS_PER_WRITE, type RowResult, type RowWrite } from '../service/requests.js';
import { columnOf } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { WriterFairness } from './fairness.js';
import { byTimeline, type PutResult, type RowAppend, type RowSender, type RowWriter } from './rows.js';

/** Leaves room for the row that lists the Timeline. */
const MAX_ROWS_TOGETHER = ROWS_PER_WRITE - 1;

interface NumberedAppend {
  readonly append: RowAppend;
  readonly id: bigint;
  readonly row: RowWrite;
}

/**
 * Puts rows under the caller's ids, or under the next id if none is given. That an id lies above the last one is
 * checked by reading just before: two writers at the same moment may come to lie in either order, and only the same id
 * is refused to one of them.
 */
export class ManualRowWriter implements RowWriter {
  readonly #context: Context;
  readonly #sender: RowSender;
  readonly #fairness: WriterFairness;

  constructor(context: Context, sender: RowSender) {
    this.#context = context;
    this.#sender = sender;
    this.#fairness = new WriterFairness(context);
  }

  async put(appends: readonly RowAppend[], call: Call): Promise<PutResult[]> {
    const results = new Map<RowAppend, PutResult>();
    await Promise.all(
      byTimeline(appends).map(async (group) => {
        const answers = await this.#putGroup(group, call);
        group.forEach((append, i) => {
          results.set(append, answers[i] as PutResult);
        });
      }),
    );
    return appends.map((append) => results.get(append) as PutResult);
  }

  /** Puts the rows of one Timeline. When the store fails for one, all behind it fail too. */
  async #putGroup(appends: readonly RowAppend[], call: Call): Promise<PutResult[]> {
    const { state } = appends[0] as RowAppend;
    const last = new RecentLast(this.#context, state, call);
    let failed: TimelineError | undefined;
    const results: PutResult[] = [];
    for (const part of splitIntoParts(appends)) {
      const error = failed;
      const put = error ? part.map(() => error) : await this.#putPart(last, part, call);
      failed ??= put.find((result) => result instanceof TimelineError && result.retryable) as TimelineError | undefined;
      results.push(...put);
    }
    return results;
  }

  async #putPart(last: RecentLast, appends: readonly RowAppend[], call: Call): Promise<PutResult[]> {
    try {
      const [only] = appends;
      if (only && only.entry.seqId === undefined) return [await this.#putNext(last, only, call)];
      return await this.#putChosen(last, appends, call);
    } catch (cause) {
      const error = toTimelineError(cause, 'write');
      return appends.map(() => error);
    }
  }

  /** Puts a row under the next id, again and again while other writers take it first. */
  async #putNext(recentLast: RecentLast, append: RowAppend, call: Call): Promise<PutResult> {
    const { state } = append;
    for (let losses = 1; performance.now() < call.deadline; losses++) {
      const hasYielded = await this.#fairness.yieldToOthers(state, call);
      if (hasYielded) recentLast.forget();
      const before = state.bounds.last;
      const last = await recentLast.read();
      if (hasYielded) this.#fairness.yielded(state, last > before);
      if (last >= MAX_SEQ_ID) return seqIdConflict(state.timeline, { chosen: last + 1n, last });
      const [result] = await this.#putAt([append], [last + 1n], call);
      if (typeof result === 'bigint') recentLast.set(result);
      if (result !== undefined) return result;
      recentLast.forget();
      await this.#fairness.raceLost(state, losses, call);
      await this.#fairness.spreadOut(call);
    }
    const message = 'other writers took every id first';
    return new TimelineError('TIMELINE_BUSY', message, { timeline: state.timeline, retryable: true });
  }

  /** Puts rows under chosen ids, those that rise above the last one. */
  async #putChosen(recentLast: RecentLast, appends: readonly RowAppend[], call: Call): Promise<PutResult[]> {
    let last = await recentLast.read();
    const rising = appends.filter(({ entry: { seqId = 0n } }) => {
      if (seqId <= last) return false;
      last = seqId;
      return true;
    });
    const ids = rising.map(({ entry }) => entry.seqId as bigint);
    const put = await this.#putAt(rising, ids, call);
    recentLast.forget();
    const isRefused = put.includes(undefined) || rising.length < appends.length;
    const actualLast = isRefused ? await recentLast.read() : last;
    const refused = ({ state, entry: { seqId = 0n } }: RowAppend) =>
      seqIdConflict(state.timeline, { chosen: seqId, last: actualLast });
    const results = new Map(rising.map((append, i) => [append, put[i]]));
    return appends.map((append) => results.get(append) ?? refused(append));
  }

  /**
   * Puts rows together; undefined for one whose id another writer has. A row in the way may be this append's own: of an
   * attempt without an answer, or of a request that the network delivered twice.
   */
  async #putAt(appends: readonly RowAppend[], ids: readonly bigint[], call: Call): Promise<(PutResult | undefined)[]> {
    const results = new Map<RowAppend, PutResult | undefined>();
    const doubts = new Map<RowAppend, TimelineError>();
    let left: NumberedAppend[] = [];
    appends.forEach((append, i) => {
      const id = ids[i] as bigint;
      const row = this.#sender.encode(append, id);
      if (row instanceof TimelineError) results.set(append, row);
      else left.push({ append, id, row });
    });
    for (let attempt = 1; left.length > 0; attempt++) {
      const { append: first } = left[0] as NumberedAppend;
      const noteRemoval = first.entry.seqId === undefined ? this.#fairness.noteRemoval(first.state) : undefined;
      const begunAt = performance.now();
      const rows = left.map(({ row }) => row);
      const written = await this.#sender.write(
        left.map(({ append }) => append),
        noteRemoval ? [...rows, noteRemoval] : rows,
        call,
      );
      const again: NumberedAppend[] = [];
      let pauseMs: number | undefined;
      const handle = async (numbered: NumberedAppend, result: RowResult): Promise<void> => {
        const { append, id, row } = numbered;
        const isTaken = !result.ok && result.error.failure === 'condition';
        if (result.ok || (isTaken && (await this.#isOwnRow(append, row, call)))) {
          this.#fairness.putSucceeded(append.state, begunAt, noteRemoval && written[rows.length]);
          this.#sender.stored(append, id);
          results.set(append, id);
        } else if (isTaken) results.set(append, undefined);
        else {
          const error = toTimelineError(result.error, 'write');
          if (error.outcome === 'unknown') doubts.set(append, error);
          const doubt = doubts.get(append);
          const mayRetry = doubt !== undefined && (result.error as StoreError).isTransient;
          if (mayRetry) pauseMs ??= pauseAfter(attempt, error, call.deadline);
          if (mayRetry && pauseMs !== undefined) again.push(numbered);
          else results.set(append, doubt ?? error);
        }
      };
      await Promise.all(left.map((numbered, i) => handle(numbered, written[i] as RowResult)));
      left = again;
      if (left.length > 0) await pause(pauseMs ?? 0);
    }
    return appends.map((append) => results.get(append));
  }

  async #isOwnRow({ recoveryTag }: RowAppend, { key }: RowWrite, call: Call): Promise<boolean> {
    const { requests, tables, layout } = this.#context;
    const column = layout.recoveryTagColumn;
    if (column === undefined || recoveryTag === '') return false;
    const [row] = await requests.get(tables.entries, [key], call, [column]);
    return row !== undefined && columnOf(row.columns, column) === recoveryTag;
  }
}

/** The last SeqId, read again when it is older than half of `settleMs`. */
class RecentLast {
  readonly #context: Context;
  readonly #state: TimelineState;
  readonly #call: Call;
  #last: bigint | undefined;
  #readAt = 0;

  constructor(context: Context, state: TimelineState, call: Call) {
    this.#context = context;
    this.#state = state;
    this.#call = call;
  }

  async read(): Promise<bigint> {
    const { bounds, settings } = this.#context;
    if (this.#last !== undefined && performance.now() - this.#readAt < settings.settleMs / 2) return this.#last;
    this.#readAt = performance.now();
    this.#last = (await bounds.readLast(this.#state, this.#call)).seqId;
    return this.#last;
  }

  set(last: bigint): void {
    this.#last = last;
  }

  forget(): void {
    this.#last = undefined;
  }
}

/**
 * Consecutive appends with chosen ids go together. Others wait for each other: their ids are in the order of the call.
 */
function splitIntoParts(appends: readonly RowAppend[]): RowAppend[][] {
  const parts: RowAppend[][] = [];
  for (const append of appends) {
    const last = parts.at(-1);
    const hasRoom = last && last.length < MAX_ROWS_TOGETHER;
    if (hasRoom && append.entry.seqId !== undefined && last[0]?.entry.seqId !== undefined) last.push(append);
    else parts.push([append]);
  }
  return parts;
}
