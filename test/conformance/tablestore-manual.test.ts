import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { proveTablestore } from '../support/tablestore-conformance.js';

/** Of the rest `manual` shares every line with `auto`; nightly proves all. */
const OWN = ['Density', 'Manual ids', 'Capabilities'];
const laws = LAWS.map(({ law }) => law).filter((law) => nightly || OWN.includes(law));

proveTablestore(
  'tablestore manual',
  { sequence: 'manual', settleMs: 5, idlePollMs: 100, timeoutMs: 30_000 },
  {},
  { runs: 5, laws },
);
