/**
 * All that goes over the wire between the gateway and its clients: types, and constants. SeqIds are decimal strings.
 * Ids in paths are encoded by `encodeURIComponent`. Bodies are JSON of type `application/json`.
 */
export type * from './protocol/answers.js';
export type * from './protocol/bodies.js';
export * from './protocol/close-codes.js';
export * from './protocol/constants.js';
export type * from './protocol/frames.js';
export * from './protocol/limits.js';
export type * from './protocol/messages.js';
export type * from './protocol/problem.js';
