/** The conformance kit for adapters, and fault injection for tests of programs that use Timelines. */
export { decorateAdapter, type LibraryChanges } from './decorate.js';
export { describeAdapter } from './describe-adapter.js';
export { busyStore, type Fault, type FaultPlan, faultyAdapter, unknownOutcome } from './faulty-adapter.js';
export type { ConformanceOptions, ForkedProcess, Law, Runner } from './options.js';
export { serveAdapter } from './serve-adapter.js';
