import type { Call, Range } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import type { Context, Found } from '../context.js';
import type { Page } from '../service/requests.js';
import { type KeyPart, MAX, MIN } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import type { Stretch } from './read.js';

/** Reads a range from its new end, down to the row that holds `after`: by that it knows whether anything behind it is gone. */
export async function readReverse(context: Context, state: TimelineState, range: Range, call: Call): Promise<Stretch> {
  const { before, limit } = range;
  const after = range.after ?? 0n;
  const rows: Found[] = [];
  let last: bigint | undefined;
  let gone = 0n;
  let reached = false;
  let more = before === undefined || before > after + 1n;
  let from: readonly KeyPart[] = context.rowKey(state, before === undefined || before > MAX_SEQ_ID ? MAX : before - 1n);
  while (more && !reached && gone === 0n && rows.length <= limit) {
    const request = {
      table: context.tables.entries,
      from,
      to: context.rowKey(state, context.dense || after === 0n ? MIN : after - 1n),
      backward: true,
      limit: limit + 1 - rows.length,
    };
    const page: Page = await context.requests.range(request, call);
    for (const record of page.rows) {
      const entries = context.entriesOf(record);
      const newest = entries.at(-1) as Found;
      if (before === undefined) last ??= newest.seqId;
      state.saw(newest.seqId, newest.at);
      for (const found of entries.reverse()) {
        if (before !== undefined && found.seqId >= before) continue;
        if (found.seqId > after && !found.gone) rows.push(found);
        else if (found.seqId > after) gone = gone > found.seqId ? gone : found.seqId;
        else reached ||= found.seqId === after && !found.gone;
      }
      if (entries.some(({ seqId }) => seqId <= after)) more = false;
    }
    if (!page.next) more = false;
    else from = page.next;
  }
  const reachesFirst = rows.length <= limit && rows.at(-1)?.seqId === after + 1n;
  const left = rows.length > limit || (more && gone === 0n);
  rows.length = Math.min(rows.length, limit);
  neverFalling(rows);
  const gap = !(reached || reachesFirst);
  // Only at the lower end of the range it is known that nothing is left before the last row.
  return { rows, more: left, gap, beyond: left ? undefined : rows.at(-1), last: left ? undefined : last, gone };
}

/** Times as a reader in the other direction is given them, as far as this page tells. */
function neverFalling(newestFirst: Found[]): void {
  let at = 0;
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const found = newestFirst[i] as Found;
    if (found.at < at) newestFirst[i] = { ...found, at };
    else at = found.at;
  }
}
