/** Moved: import it from `./toolkit/index.js`. */
export { type KnownKey, type Plan, planWrite } from './toolkit/plan-write.js';
