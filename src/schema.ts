import { type Issue, invalidArgument, reasonOf, type TimelineError } from './errors.js';
import { describeValue } from './text.js';
import { isThenable, withinUserTime } from './user-code.js';

/**
 * The part of the Standard Schema interface (https://standardschema.dev) that this library calls. Takes any
 * implementation and depends on none.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** Validator of the schema; `validate` may return a promise. */
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** Result of a validation: the output, or the issues. */
export type SchemaResult<Output> =
  | {
      /** The message to store. */
      readonly value: Output;
      /** Absent: the message is valid. */
      readonly issues?: undefined;
    }
  | {
      /** Reasons why the message is invalid. */
      readonly issues: readonly Issue[];
    };

/** Output of a schema. Wrapped in an object, because a message may itself be a promise that the codec can encode. */
export interface Valid<M> {
  readonly value: M;
}

/**
 * Returns the schema's output, without a promise if the schema is synchronous. `TIMELINE_INVALID_ARGUMENT` with
 * `issues` if the schema refuses the message, fails, or returns neither value nor issues; `TIMELINE_UNAVAILABLE` after
 * `ms` without answer.
 *
 * @param argument The name of the validated argument, for the error.
 */
export function validate<M>(
  schema: StandardSchemaV1<unknown, M> | undefined,
  message: M,
  ms?: number,
  argument = 'message',
): Valid<M> | Promise<Valid<M>> {
  if (!schema) return { value: message };
  let result: SchemaResult<M> | Promise<SchemaResult<M>>;
  try {
    const answer = schema['~standard'].validate(message);
    result = isThenable(answer) ? Promise.resolve(answer as Promise<SchemaResult<M>>) : answer;
  } catch (cause) {
    throw failed(argument, cause);
  }
  if (!(result instanceof Promise)) return accept(argument, result);
  const accepted = result.then(
    (answer) => accept(argument, answer),
    (cause: unknown) => {
      throw failed(argument, cause);
    },
  );
  return withinUserTime(accepted, 'the schema', ms);
}

function accept<M>(argument: string, result: SchemaResult<M>): Valid<M> {
  if (typeof result !== 'object' || result === null)
    throw refused(argument, [{ message: `the schema answered ${describeValue(result)}` }]);
  let answer: { readonly issues: unknown; readonly valid: Valid<M> | undefined };
  try {
    answer = { issues: result.issues, valid: 'value' in result ? { value: result.value } : undefined };
  } catch (cause) {
    throw failed(argument, cause);
  }
  const { issues, valid } = answer;
  if (issues) throw refused(argument, Array.isArray(issues) ? issues : [{ message: describeValue(issues) }]);
  if (!valid) throw refused(argument, [{ message: 'the schema answered with neither value nor issues' }]);
  return valid;
}

function failed(argument: string, cause: unknown): TimelineError {
  return refused(argument, [{ message: `the schema failed: ${reasonOf(cause)}` }], cause);
}

function refused(argument: string, issues: readonly Issue[], cause?: unknown): TimelineError {
  return invalidArgument(argument, `does not fit the schema: ${describeIssue(issues[0])}`, { issues, cause });
}

function describeIssue(issue: Issue | undefined): string {
  if (typeof issue?.message !== 'string') return 'no reason given';
  const { path, message } = issue;
  const where = Array.isArray(path)
    ? path.map((step) => String(typeof step === 'object' ? step?.key : step)).join('.')
    : '';
  return where ? `${where}: ${message}` : message;
}
