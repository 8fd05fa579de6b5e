import type { Law } from '../../testing/index.js';
import { LAWS } from '../../testing/laws/index.js';
import { nightly } from '../support/nightly.js';
import { proveTablestore } from '../support/tablestore-conformance.js';

/** Where a library whose Timelines can be dropped does more than one without. */
const LAWS_OF_LIVES: readonly Law[] = ['Drop', 'Epoch', 'Checkpoint', 'Listing', 'Capabilities', 'Closing', 'Restart'];

const all = LAWS.map(({ law }) => law);
const options = { drop: true, settleMs: 5, idlePollMs: 100, timeoutMs: 4000 };

proveTablestore(
  'tablestore cas with drop',
  { ...options, sequence: 'cas' },
  {},
  { laws: nightly ? all : LAWS_OF_LIVES },
);
for (const sequence of ['auto', 'manual'] as const)
  proveTablestore(
    `tablestore ${sequence} with drop`,
    { ...options, timeoutMs: 8000, sequence },
    {},
    { laws: nightly ? all : ['Drop'] },
  );
