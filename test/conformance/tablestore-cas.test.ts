import { proveTablestore } from '../support/tablestore-conformance.js';

proveTablestore('tablestore cas', { sequence: 'cas', idlePollMs: 100 }, {}, { runs: 10 });
