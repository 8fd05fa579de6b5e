import { describe, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { describeAdapter } from '../../testing/index.js';
import { silence, silentAdapter } from '../support/silent-adapter.js';

describeAdapter(
  { describe, it },
  {
    name: 'memory',
    create: () => silentAdapter(memoryAdapter()),
    // The data live as long as the adapter object, so another object that opens the same data stands for a restart.
    reopen: ({ name, open }) => ({ name, open }),
    silence,
  },
);
