import { describe, it } from 'node:test';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { describeAdapter } from '../../testing/index.js';
import { NODE_TEST_LAWS } from './node-test-laws.js';

describeAdapter(
  { describe, it },
  {
    name: 'memory',
    create: () => memoryAdapter(),
    reopen: ({ name, open }) => ({ name, open }),
    ...NODE_TEST_LAWS,
  },
);
