import { nightly } from '../support/nightly.js';
import { proveTablestore } from '../support/tablestore-conformance.js';

proveTablestore(
  'tablestore cas',
  { sequence: 'cas', idlePollMs: 100, timeoutMs: 30_000 },
  {},
  { runs: nightly ? 10 : 4 },
);
