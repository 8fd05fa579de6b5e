import { proveTablestore } from '../support/tablestore-conformance.js';

proveTablestore('tablestore auto', { sequence: 'auto', settleMs: 5, idlePollMs: 100 }, {}, { runs: 10 });
