export type * from './adapter.js';
export { jsonCodec } from './codec.js';
export {
  type Issue,
  isTimelineError,
  type Outcome,
  TimelineError,
  type TimelineErrorCode,
  type TimelineErrorDetails,
} from './errors.js';
export { openTimelineStore } from './open.js';
export { type RetryOptions, retryUntil } from './retry.js';
export type { SchemaResult, StandardSchemaV1 } from './schema.js';
export {
  type LibrarySettings,
  parseSettings,
  type Reconciled,
  reconcileSettings,
  type WantedSettings,
} from './settings.js';
export { decodeTimelineId, encodeTimelineId } from './timeline-id.js';
export { type KnownKey, type Plan, planWrite } from './toolkit/plan-write.js';
export type * from './types.js';
export type * from './undecodable.js';
