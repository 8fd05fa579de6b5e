import { describe, it } from 'vitest';
import { minimalAdapter } from '../../examples/minimal-adapter.js';
import { describeAdapter } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';

describeAdapter(
  { describe, it },
  {
    name: 'the minimal adapter of the documents',
    create: () => minimalAdapter(),
    eachNthRange: nightly ? 1 : 25,
  },
);
