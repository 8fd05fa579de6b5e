import { type Context, rowIdOf } from './context.js';
import type { TimelineState } from './timeline-state.js';
import { type ColumnTest, columnOf, MAX, MIN } from './values.js';

/** How far clocks of writers may differ before a look-back stops too early. */
const CLOCK_MARGIN_MS = 600_000;
const ROWS_PER_LOOK = 100;

/** The id of the row that the write with this token put at `at`, if it is there: from the tail back to what is surely older. */
export async function findByToken(
  { requests, tables, layout, rowKey }: Context,
  state: TimelineState,
  token: string,
  at: number,
): Promise<bigint | undefined> {
  const { tokenColumn, timeColumn } = layout;
  if (tokenColumn === undefined || token === '') return undefined;
  const surelyOlder = Math.max(0, at - CLOCK_MARGIN_MS);
  const filter: ColumnTest[] = [{ column: tokenColumn, is: 'EQUAL', value: token, passIfMissing: false }];
  const columns = [tokenColumn];
  if (timeColumn !== undefined) {
    filter.push({ column: timeColumn, is: 'LESS_THAN', value: BigInt(surelyOlder), passIfMissing: false });
    columns.push(timeColumn);
  }
  const [from, to] = [rowKey(state, MAX), rowKey(state, MIN)];
  const request = { table: tables.entries, from, to, backward: true, columns };
  if (timeColumn === undefined) {
    // No filter is made of versions, so the rows are looked through here.
    for await (const rows of requests.pages({ ...request, limit: ROWS_PER_LOOK })) {
      for (const row of rows) {
        if (columnOf(row.columns, tokenColumn) === token) return rowIdOf(row);
        if (row.columns.every(({ version }) => version < surelyOlder)) return undefined;
      }
    }
    return undefined;
  }
  for await (const rows of requests.pages({ ...request, limit: 1, filter })) {
    const [row] = rows;
    if (row) return columnOf(row.columns, tokenColumn) === token ? rowIdOf(row) : undefined;
  }
  return undefined;
}
