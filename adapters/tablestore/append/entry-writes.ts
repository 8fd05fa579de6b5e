import type { Call } from '../../../src/adapter.js';
import type { Context } from '../context.js';
import { StoreError } from '../service/errors.js';
import { ROWS_PER_WRITE, type RowResult, type RowWrite } from '../service/requests.js';

/**
 * Writes rows of entries, and asks in the same request whether the tables are still those that were opened. If not, rows were written
 * into a life of the library that nothing is known of: `sound` is false, and what is believed is settled before this resolves.
 */
export async function writeEntries(
  { requests, record, dense }: Context,
  rows: readonly RowWrite[],
  call: Call,
): Promise<{ readonly results: readonly RowResult[]; readonly sound: boolean }> {
  // Ids of the service need no tail, so there it is not worth a request of its own.
  const check = dense || rows.length % ROWS_PER_WRITE !== 0 ? record.check() : undefined;
  const answered = await requests.write(check ? [...rows, check] : rows, call);
  const results = check ? answered.slice(0, -1) : answered;
  const isMissing = results.some((result) => !result.ok && result.error.failure === 'missing');
  if (isMissing) record.suspect();
  if (record.checked(check && answered.at(-1)) && !isMissing) return { results, sound: true };
  try {
    await record.look(call);
    return { results, sound: false };
  } catch (cause) {
    const error = new StoreError('ambiguous', 'a table of the library was deleted meanwhile', cause);
    return { results: results.map((result) => (result.ok ? { ok: false, error } : result)), sound: false };
  }
}
