/** Helpers for adapter authors: all that adapters would otherwise each write again. See README.md here. */
export { onAbort, throwIfAborted } from '../abort.js';
export { resolveOptions } from '../adapter-options.js';
export { MAX_TIMER_MS } from '../budget.js';
export { invalidArgument, isTimelineError, reasonOf, TimelineError } from '../errors.js';
export { INSPECT, inspected } from '../inspect.js';
export { BatchIterator } from '../iterate.js';
export { type JsonForm, plain, plainFields, withJson } from '../json.js';
export { errorOf, type Operation, rejection } from '../operation.js';
export { ABORTABLE, checkFields, checkItem, checkOptions, type OptionNames, unknownOption } from '../options.js';
export { checkCount, checkSeqId, isDecimal } from '../range.js';
export { type RetryOptions, retryUntil } from '../retry.js';
export { validate } from '../schema.js';
export { parseSettings, reconcileSettings } from '../settings.js';
export { checkFunction, checkObject, checkText, describeValue } from '../text.js';
export { isThenable, withinUserTime } from '../user-code.js';
export { compareUtf8, equalBytes } from './bytes.js';
export {
  droppedSince,
  entryNotFound,
  keyConflict,
  lastSeqIdConflict,
  otherEpoch,
  revisionConflict,
  seqIdConflict,
} from './contract-errors.js';
export { cutoff } from './cutoff.js';
export { groupByTimeline } from './group-by-timeline.js';
export { ListenerHub, type ListenerHubHooks } from './listener-hub.js';
export { backOff, jitter, type PauseOptions, pause } from './pause.js';
export { type KnownKey, type Plan, planWrite } from './plan-write.js';
export { RangeCount } from './range-count.js';
export { furtherPosition } from './reader-position.js';
export { Sweeper, type SweeperOptions } from './sweeper.js';
export { WatchHub, type WatchHubHooks } from './watch-hub.js';
