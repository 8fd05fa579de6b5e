import { type Issue, invalidArgument } from './errors.js';

/**
 * The part of the Standard Schema interface (https://standardschema.dev) that this library calls: whatever implements
 * it fits, and none is a dependency.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<Issue> };

/** The schema's output, at once if the schema is synchronous; `TIMELINE_INVALID_ARGUMENT` with `issues` otherwise. */
export function validate<M>(schema: StandardSchemaV1<unknown, M> | undefined, message: M): M | Promise<M> {
  if (!schema) return message;
  let result: SchemaResult<M> | Promise<SchemaResult<M>>;
  try {
    result = schema['~standard'].validate(message);
  } catch (cause) {
    throw refused([{ message: `the schema failed: ${(cause as Error)?.message ?? cause}` }], cause);
  }
  if (!(result instanceof Promise)) return accept(result);
  return result.then(accept, (cause: unknown) => {
    throw refused([{ message: `the schema failed: ${(cause as Error)?.message ?? cause}` }], cause);
  });
}

function accept<M>(result: SchemaResult<M>): M {
  if (result.issues) throw refused(result.issues);
  return result.value;
}

function refused(issues: readonly Issue[], cause?: unknown) {
  const first = issues[0];
  const where = first?.path?.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  const what = first ? `${where ? `${where}: ` : ''}${first.message}` : 'no reason given';
  return invalidArgument('message', `does not fit the schema: ${what}`, { issues, cause });
}
