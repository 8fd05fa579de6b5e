import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { NASTY_LAWS, proveTablestore } from '../support/tablestore-conformance.js';

/** Every run leaves out what it proves on a service that is nastier: `tablestore-nasty.test.ts`. */
const left: readonly string[] = nightly ? [] : NASTY_LAWS;
const laws = LAWS.map(({ law }) => law).filter((law) => !left.includes(law));

proveTablestore(
  'tablestore auto',
  { sequence: 'auto', settleMs: 5, idlePollMs: 100 },
  {},
  { runs: nightly ? 10 : 4, laws },
);
