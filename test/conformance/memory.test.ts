import { describe, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { describeAdapter } from '../../testing/index.js';
import { silence, silentAdapter } from '../support/silent-adapter.js';

describeAdapter(
  { describe, it },
  {
    name: 'memory',
    create: () => silentAdapter(memoryAdapter()),
    // The data live as long as the adapter object, so a restart is another object that opens libraries of the same data.
    reopen: ({ name, open }) => ({ name, open }),
    silence,
  },
);
