import { describe, it } from 'vitest';
import { minimalAdapter } from '../../examples/minimal-adapter.js';
import { describeAdapter } from '../../testing/index.js';

describeAdapter({ describe, it }, { name: 'the minimal adapter of the documents', create: () => minimalAdapter() });
