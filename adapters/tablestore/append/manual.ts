import type { Call } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { TimelineError } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { pause, seqIdConflict } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { toTimelineError } from '../service/errors.js';
import { ROWS_PER_WRITE, type RowResult, type RowWrite } from '../service/requests.js';
import { columnOf } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { WriterFairness } from './fairness.js';
import { byTimeline, type PutResults, type RowAppend, RowSender, type RowWriter } from './rows.js';

/** Leaves room for the row that lists the Timeline. */
const MAX_ROWS_TOGETHER = ROWS_PER_WRITE - 1;

interface NumberedAppend {
  readonly append: RowAppend;
  readonly id: bigint;
  readonly row: RowWrite;
}

/** The last SeqId of a Timeline. */
interface RecentLast {
  /** Undefined: it must be read. */
  seqId: bigint | undefined;
  readAt: number;
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

  constructor(context: Context) {
    this.#context = context;
    this.#sender = new RowSender(context);
    this.#fairness = new WriterFairness(context);
  }

  async put(appends: readonly RowAppend[], call: Call): Promise<PutResults> {
    const results: PutResults = new Map();
    await Promise.all(byTimeline(appends).map((group) => this.#putGroup(group, results, call)));
    return results;
  }

  /** Puts the rows of one Timeline. When the store fails for one, all behind it fail too. */
  async #putGroup(appends: readonly RowAppend[], results: PutResults, call: Call): Promise<void> {
    const recent: RecentLast = { seqId: undefined, readAt: 0 };
    let failed: TimelineError | undefined;
    for (const part of splitIntoParts(appends)) {
      const put: PutResults = new Map();
      const error = failed ?? (await this.#putPart(part, recent, put, call));
      for (const append of part) {
        const result = error ?? (put.get(append) as bigint | TimelineError);
        results.set(append, result);
        if (result instanceof TimelineError && result.retryable) failed ??= result;
      }
    }
  }

  /** Resolves with an error if it concerns the whole part. */
  async #putPart(
    part: readonly RowAppend[],
    recent: RecentLast,
    results: PutResults,
    call: Call,
  ): Promise<TimelineError | undefined> {
    const [first] = part as [RowAppend];
    try {
      if (first.entry.seqId === undefined) await this.#putNext(first, recent, results, call);
      else await this.#putChosen(part, recent, results, call);
      return undefined;
    } catch (cause) {
      return toTimelineError(cause, 'write');
    }
  }

  /** Puts a row under the next id, again and again while other writers take it first. */
  async #putNext(append: RowAppend, recent: RecentLast, results: PutResults, call: Call): Promise<void> {
    const { state } = append;
    for (let losses = 1; performance.now() < call.deadline; losses++) {
      const hasYielded = await this.#fairness.yieldToOthers(state, call);
      if (hasYielded) recent.seqId = undefined;
      const before = state.bounds.last;
      const last = await this.#readLast(state, recent, call);
      if (hasYielded) this.#fairness.yielded(state, last > before);
      if (last >= MAX_SEQ_ID) throw seqIdConflict(state.timeline, { chosen: last + 1n, last });
      await this.#putAt(new Map([[append, last + 1n]]), results, call);
      const result = results.get(append);
      if (!(result instanceof TimelineError)) recent.seqId = result;
      if (result !== undefined) return;
      await this.#fairness.raceLost(state, losses, call);
      await this.#fairness.spreadOut(call);
    }
    const message = 'other writers took every id first';
    throw new TimelineError('TIMELINE_BUSY', message, { timeline: state.timeline, retryable: true });
  }

  /** Puts rows of one Timeline under chosen ids, those that rise above the last one. */
  async #putChosen(appends: readonly RowAppend[], recent: RecentLast, results: PutResults, call: Call): Promise<void> {
    const { state } = appends[0] as RowAppend;
    let last = await this.#readLast(state, recent, call);
    const rising = new Map<RowAppend, bigint>();
    for (const append of appends) {
      const { seqId = 0n } = append.entry;
      if (seqId <= last) continue;
      rising.set(append, seqId);
      last = seqId;
    }
    await this.#putAt(rising, results, call);
    recent.seqId = undefined;
    const refused = appends.filter((append) => !results.has(append));
    if (refused.length > 0) last = await this.#readLast(state, recent, call);
    for (const append of refused) {
      results.set(append, seqIdConflict(state.timeline, { chosen: append.entry.seqId ?? 0n, last }));
    }
  }

  /** Reads the last SeqId, unless it was read within half of `settleMs`. */
  async #readLast(state: TimelineState, recent: RecentLast, call: Call): Promise<bigint> {
    const { bounds, settings } = this.#context;
    const now = performance.now();
    if (recent.seqId !== undefined && now - recent.readAt < settings.settleMs / 2) return recent.seqId;
    recent.readAt = now;
    recent.seqId = (await bounds.readLast(state, call)).seqId;
    return recent.seqId;
  }

  /**
   * Puts rows together. Sets no result for one whose id another writer has. A row in the way may be this append's own:
   * of an attempt without an answer, or of a request that the network delivered twice.
   */
  async #putAt(ids: ReadonlyMap<RowAppend, bigint>, results: PutResults, call: Call): Promise<void> {
    const doubts = new Map<RowAppend, TimelineError>();
    let left: NumberedAppend[] = [];
    for (const [append, id] of ids) {
      const row = this.#sender.encode(append, id);
      if (row instanceof TimelineError) results.set(append, row);
      else left.push({ append, id, row });
    }
    for (let attempt = 1; left.length > 0; attempt++) {
      const { append: first } = left[0] as NumberedAppend;
      const noteRemoval = first.entry.seqId === undefined ? this.#fairness.noteRemoval(first.state) : undefined;
      const begunAt = performance.now();
      const appends = left.map(({ append }) => append);
      const rows = [...left.map(({ row }) => row), ...(noteRemoval ? [noteRemoval] : [])];
      const written = await this.#sender.write(appends, rows, call);
      const again: NumberedAppend[] = [];
      let pauseMs: number | undefined;
      const handle = async (numbered: NumberedAppend, result: RowResult): Promise<void> => {
        const { append, id, row } = numbered;
        const isTaken = !result.ok && result.error.failure === 'condition';
        if (result.ok || (isTaken && (await this.#isOwnRow(append, row, call)))) {
          this.#fairness.putSucceeded(append.state, begunAt, noteRemoval && written.at(-1));
          this.#sender.stored(append, id);
          results.set(append, id);
        } else if (!isTaken) {
          const error = toTimelineError(result.error, 'write');
          if (error.outcome === 'unknown') doubts.set(append, error);
          const doubt = doubts.get(append);
          const mayRetry = doubt !== undefined && result.error.isTransient;
          if (mayRetry) pauseMs ??= pauseAfter(attempt, error, call.deadline);
          if (mayRetry && pauseMs !== undefined) again.push(numbered);
          else results.set(append, doubt ?? error);
        }
      };
      await Promise.all(left.map((numbered, i) => handle(numbered, written[i] as RowResult)));
      left = again;
      if (left.length > 0) await pause(pauseMs ?? 0);
    }
  }

  async #isOwnRow({ recoveryTag }: RowAppend, { key }: RowWrite, call: Call): Promise<boolean> {
    const { requests, tables, layout } = this.#context;
    const column = layout.recoveryTagColumn;
    if (column === undefined || recoveryTag === '') return false;
    const [row] = await requests.get(tables.entries, [key], call, [column]);
    return row !== undefined && columnOf(row.columns, column) === recoveryTag;
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
