import type { Call } from '../../../src/adapter.js';
import { type Context, rowIdOf } from '../context.js';
import { columnOf, MAX, MIN } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';

/** How far behind the entry's own time a look-back goes: times need not stand in the order of ids. */
const MARGIN_MS = 60_000;
/** The same where the clocks of writers count, which may differ. */
const TRUSTED_MARGIN_MS = 600_000;
const ROWS_PER_LOOK = 1000;

/** The id of the row that the write with this token put at `at`, if it is there: from the tail back to what is surely older. */
export async function findByToken(
  { requests, tables, layout, rowKey, clock }: Context,
  state: TimelineState,
  { token, at }: { readonly token: string; readonly at: number },
  call: Call,
): Promise<bigint | undefined> {
  const { tokenColumn } = layout;
  if (tokenColumn === undefined || token === '') return undefined;
  const surelyOlder = at - (clock.trustsNow ? TRUSTED_MARGIN_MS : MARGIN_MS);
  const [from, to] = [rowKey(state, MAX), rowKey(state, MIN)];
  const range = { table: tables.entries, from, to, backward: true, columns: [tokenColumn], limit: ROWS_PER_LOOK };
  for await (const rows of requests.pages(range, call)) {
    for (const row of rows) {
      if (columnOf(row.columns, tokenColumn) === token) return rowIdOf(row);
      if (row.columns.every(({ version }) => version < surelyOlder)) return undefined;
    }
  }
  return undefined;
}
