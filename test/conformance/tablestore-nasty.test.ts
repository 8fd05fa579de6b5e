import type { Law } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';
import { NASTY_LAWS, proveTablestore } from '../support/tablestore-conformance.js';

/** No id fits a number, each leaves a gap, rows come late and out of order, and a page holds three of them. */
const nasty = {
  autoIncrement: { from: 2n ** 53n + 1n, maxGap: 1000, maxCommitDelayMs: 10 },
  limits: { pageRows: 3 },
  tableReadyAfterMs: 0,
};

proveTablestore('tablestore auto, nasty', { sequence: 'auto', settleMs: 20, idlePollMs: 100 }, nasty, {
  runs: 2,
  laws: NASTY_LAWS,
});
/** `cas` takes its ids itself and sees its rows at once: of all this only pages are left that matter to it. */
const paged: readonly Law[] = nightly ? NASTY_LAWS : ['Truncation', 'Idempotence', 'Model'];
proveTablestore('tablestore cas, nasty', { sequence: 'cas', idlePollMs: 100 }, nasty, { runs: 2, laws: paged });
