import { proveBudget } from '../support/tablestore-conformance.js';

for (const sequence of ['cas', 'auto', 'manual'] as const)
  proveBudget(`tablestore, ${sequence}, silent`, { sequence, settleMs: 20 });
