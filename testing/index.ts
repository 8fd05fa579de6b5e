/** The conformance kit: what an adapter must pass to carry Timelines, and tools for tests of programs that use them. */
export { decorateAdapter, type LibraryChanges } from './decorate.js';
export { describeAdapter } from './describe-adapter.js';
export { busyStore, type Fault, type FaultPlan, faultyAdapter, unknownOutcome } from './faulty-adapter.js';
export type { ConformanceOptions, ForkedProcess, Law, Runner } from './options.js';
export { serveAdapter } from './serve-adapter.js';
