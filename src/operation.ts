import { TimelineError } from './errors.js';
import { describeValue } from './text.js';
import type { BatchOutcome } from './types.js';

/** A public call under way, for the messages of its errors. */
export interface Operation {
  /** Verb and preposition, as in `append to`. */
  readonly name: string;
  /** Encoded id of the Timeline; absent for a call about several. */
  readonly timeline?: string;
}

/**
 * Returns a copy of the error whose message begins with the operation and whose stack begins here: in an asynchronous
 * function that the caller awaits, with the frames of the caller. Errors of a store arise in a callback of its driver,
 * where the caller is unknown, and one may fail many calls.
 */
export function errorOf(operation: Operation, error: TimelineError): TimelineError {
  const { name, timeline } = operation;
  const subject = timeline === undefined ? name : `${name} ${describeValue(timeline)}`;
  return copyOf(error, { message: `${subject}: ${error.message}`, timeline: error.timeline ?? timeline });
}

function copyOf(error: TimelineError, changes: { readonly message?: string; readonly timeline?: string | undefined }) {
  const { name: _, code, ...details } = error;
  const { message = error.message, ...changed } = changes;
  return new TimelineError(code, message, { ...details, cause: error.cause, ...changed });
}

/** Resolves with the outcomes of a batch. Stacks of its errors begin here, as those of {@link errorOf}. */
export async function outcomesForCaller(pending: Promise<BatchOutcome[]>): Promise<BatchOutcome[]> {
  const outcomes = await pending;
  return outcomes.map((outcome) => (outcome.ok ? outcome : { ok: false, error: copyOf(outcome.error, {}) }));
}

/**
 * Rejects with {@link errorOf}. To reject a promise made by `new Promise`, resolve it with this: a success costs
 * nothing.
 *
 * @example
 * if (outcome.ok) resolve(outcome);
 * else resolve(rejection({ name: 'append to', timeline }, outcome.error));
 */
export async function rejection(operation: Operation, error: TimelineError): Promise<never> {
  // V8 finds the caller from here only after the caller's promise follows this one, which takes a turn.
  await undefined;
  await undefined;
  throw errorOf(operation, error);
}
