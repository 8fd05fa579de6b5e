import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { NASTY_LAWS, proveTablestore } from '../support/tablestore-conformance.js';

/**
 * Every run leaves out what it proves on a service that is nastier (`tablestore-nasty.test.ts`), and the matrix of bounds, which
 * is some ten thousand requests: `cas` has it by the same code.
 */
const left: readonly string[] = nightly ? [] : [...NASTY_LAWS, 'Bounds'];
const laws = LAWS.map(({ law }) => law).filter((law) => !left.includes(law));

proveTablestore('tablestore auto', { sequence: 'auto', settleMs: 5, idlePollMs: 100 }, {}, { runs: 10, laws });
