import { throwIfAborted } from './abort.js';
import type { Call, Count, CountRange, Slice } from './adapter.js';
import { checkCounts, checkSlices } from './adapter-shape.js';
import { noAnswer } from './budget.js';
import type { Operation } from './operation.js';
import { type CheckedRange, checkBounds, checkCount, checkRange } from './range.js';
import type { Session } from './session.js';
import type { TimelineRef } from './timeline-id.js';
import { RangeCount } from './toolkit/range-count.js';
import type { CountOptions } from './types.js';

/** Entries of one range that are read at once to be counted. */
const PAGE = 1000;

export interface CheckedCount {
  readonly checked: CheckedRange;
  readonly range: CountRange;
}

/** Law Limits: refuses invalid types and values of a count before any I/O. */
export function checkCountRange(ref: TimelineRef, { after, before, atMost }: CountOptions): CheckedCount {
  const checked = checkRange(ref, { after, before });
  const { range } = checked;
  const most = checkCount(atMost ?? Number.MAX_SAFE_INTEGER, 'atMost');
  const { timeline, after: from, before: to, reached } = range;
  return { checked, range: { timeline, after: from, before: to, atMost: most, reached } };
}

/** Counts all ranges in one call of the adapter, or by reading them if it cannot count. */
export async function countRanges(
  session: Session,
  items: readonly CheckedCount[],
  operation: Operation,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  if (items.length === 0) return [];
  const { library, capabilities } = session;
  const ranges = items.map(({ range }) => range);
  const byReading = new CountByReading(session, ranges, signal);
  const answers = await session.read(
    (call) => (library.count ? library.count(ranges, call) : byReading.run(call)),
    signal,
    operation,
  );
  const atMost = ranges.map((range) => range.atMost);
  const counts = checkCounts(capabilities.adapter, answers, atMost);
  return items.map(({ checked }, i) => {
    const answer = counts[i] as Count;
    checkBounds(checked, answer);
    return answer.count;
  });
}

/** Counts what `read` returns, page by page. A repeated run continues where the failed one stopped. */
class CountByReading {
  readonly #session: Session;
  readonly #signal: AbortSignal | undefined;
  readonly #all: readonly RangeCount[];

  constructor(session: Session, ranges: readonly CountRange[], signal: AbortSignal | undefined) {
    this.#session = session;
    this.#signal = signal;
    this.#all = ranges.map((range) => new RangeCount(range));
  }

  async run(call: Call): Promise<readonly Count[]> {
    const { library, capabilities } = this.#session;
    const { adapter, budgetMs } = capabilities;
    for (let open = this.#open; open.length > 0; open = this.#open) {
      throwIfAborted(this.#signal);
      if (performance.now() >= call.deadline) throw noAnswer(adapter, budgetMs, 'not-applied');
      const pages = open.map((progress) => progress.nextPage(PAGE));
      const slices = checkSlices(adapter, await library.read(pages, call), pages.length);
      for (const [i, progress] of open.entries()) progress.take(slices[i] as Slice);
    }
    return this.#all.map(({ result }) => result);
  }

  get #open(): readonly RangeCount[] {
    return this.#all.filter(({ isDone }) => !isDone);
  }
}
