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
proveTablestore('tablestore cas, nasty', { sequence: 'cas', idlePollMs: 100 }, nasty, { runs: 2, laws: NASTY_LAWS });
