import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { NASTY_LAWS, proveTablestore } from '../support/tablestore-conformance.js';

/** Every line that these laws are about is the one of `cas`. */
const SHARED = [
  ...['Bounds', 'Bodies', 'Limits', 'Listing', 'Settings', 'Ids', 'Count', 'Signals'],
  ...['Update', 'Delete', 'Checkpoint'],
];
/** Every run leaves out what it proves elsewhere: with `cas`, or on a nastier service in `tablestore-nasty.test.ts`. */
const left: readonly string[] = nightly ? [] : [...NASTY_LAWS, ...SHARED];
const laws = LAWS.map(({ law }) => law).filter((law) => !left.includes(law));

proveTablestore(
  'tablestore auto',
  { sequence: 'auto', settleMs: 5, idlePollMs: 100, timeoutMs: 30_000 },
  {},
  { runs: nightly ? 10 : 4, laws },
);
