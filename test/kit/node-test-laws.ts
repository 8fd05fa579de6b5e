import type { ConformanceOptions } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';

/** The laws that also run under node:test: some of each run, all at night. Another test runs all under vitest. */
export const NODE_TEST_LAWS: Pick<ConformanceOptions, 'laws'> = nightly
  ? {}
  : { laws: ['Order', 'Idempotence', 'Subscription', 'Closing'] };
