import { describe, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { describeAdapter } from '../../testing/index.js';

describeAdapter(
  { describe, it },
  {
    name: 'memory',
    create: () => memoryAdapter(),
    // The data live as long as the adapter object, so a restart is another object that opens libraries of the same data.
    reopen: ({ name, open }) => ({ name, open }),
  },
);
