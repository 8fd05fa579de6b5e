import { proveTablestore } from '../support/tablestore-conformance.js';

/** Of the rest `manual` shares every line with `auto`. */
const LAWS = [
  'Order',
  'Visibility',
  'No reuse',
  'Density',
  'Idempotence',
  'Manual ids',
  'Outcome',
  'Truncation',
  'Capabilities',
  'Fan-out',
  'Model',
] as const;

proveTablestore('tablestore manual', { sequence: 'manual', settleMs: 5, idlePollMs: 100 }, {}, { runs: 5, laws: LAWS });
