import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { proveTablestore } from '../support/tablestore-conformance.js';

/**
 * Proved with `cas` on a nastier service, in `tablestore-nasty.test.ts`: pages, lost answers, random commands. And
 * with `auto`: the order of visibility, which `cas` has from the service.
 */
const left: readonly string[] = nightly ? [] : ['Truncation', 'Idempotence', 'Model', 'Visibility'];
const laws = LAWS.map(({ law }) => law).filter((law) => !left.includes(law));

proveTablestore('tablestore cas', { sequence: 'cas', idlePollMs: 100, timeoutMs: 30_000 }, {}, { runs: 10, laws });
