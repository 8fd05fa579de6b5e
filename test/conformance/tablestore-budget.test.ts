import { nightly } from '../support/nightly.js';
import { proveBudget } from '../support/tablestore-conformance.js';

const SEQUENCES = nightly ? (['cas', 'auto', 'manual'] as const) : (['cas', 'auto'] as const);

for (const sequence of SEQUENCES)
  proveBudget(`tablestore ${sequence} through a proxy that goes silent`, { sequence, settleMs: 20 });
