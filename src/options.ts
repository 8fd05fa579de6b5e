import { closestName } from './closest-name.js';
import type { Abortable, Nullable } from './entry-types.js';
import { invalidArgument, TimelineError } from './errors.js';
import { checkObject, describeValue } from './text.js';

/** The names of all options of `T`. The compiler reports one that is left out. */
export type OptionNames<T> = { readonly [name in keyof Required<T>]: true };

const NO_OPTIONS = Object.freeze({});

/** For calls whose only option is `signal`. */
export const ABORTABLE: OptionNames<Abortable> = { signal: true };

/**
 * Returns the options of a call, `{}` if there are none. Options of `null` become `undefined`. Throws
 * `TIMELINE_INVALID_ARGUMENT` for an unknown name, and for a `signal` that is no `AbortSignal`.
 *
 * @example
 * const NAMES: OptionNames<PullOptions> = { limit: true, signal: true };
 * const { limit = 100, signal } = checkOptions(options, NAMES);
 */
export function checkOptions<T extends object>(
  given: Nullable<T> | null | undefined,
  names: OptionNames<NoInfer<T>>,
): T {
  return given === undefined || given === null ? (NO_OPTIONS as T) : checkFields(given, names);
}

/**
 * Like {@link checkOptions}, for an object that has to be given.
 *
 * @param argument Name of the object, for the error. Default `options`.
 */
export function checkFields<T extends object>(
  given: Nullable<T>,
  names: OptionNames<NoInfer<T>>,
  argument?: string,
): T {
  checkObject(given, argument ?? 'options');
  let hasNull = false;
  for (const name in given) {
    if (names[name] !== true) throw unknownOption(name, Object.keys(names), { within: argument });
    if (given[name] === null) hasNull = true;
  }
  const options = hasNull ? withoutNull(given) : (given as T);
  const { signal } = options as Abortable;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidArgument('signal', `must be an AbortSignal, not ${describeValue(signal)}`);
  return options;
}

/** Like {@link checkFields}, for one item of a list. */
export function checkItem<T extends object>(
  item: Nullable<T>,
  names: OptionNames<NoInfer<T>>,
  list: string,
  index: number,
): T {
  if (typeof item !== 'object' || item === null) checkObject(item, `${list}[${index}]`);
  let hasNull = false;
  for (const name in item) {
    if (names[name] !== true) throw unknownOption(name, Object.keys(names), { within: `${list}[${index}]` });
    if (item[name] === null) hasNull = true;
  }
  return hasNull ? withoutNull(item) : (item as T);
}

/** Returns a copy without the properties that are `null`. */
function withoutNull<T extends object>(given: Nullable<T>): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as T;
}

/** Returns a `TIMELINE_INVALID_ARGUMENT` error that suggests the closest of the known names, if one is close. */
export function unknownOption(
  name: string,
  known: readonly string[],
  { within, of }: { readonly within?: string | undefined; readonly of?: string } = {},
): TimelineError {
  const path = within === undefined ? '' : `${within}.`;
  const close = closestName(name, known);
  const suggestion = close === undefined ? '' : `; did you mean '${path}${close}'?`;
  const argument = `${path}${name}`;
  const owner = of === undefined ? '' : ` of ${of}`;
  const message = `unknown option '${argument}'${owner}${suggestion}`;
  return new TimelineError('TIMELINE_INVALID_ARGUMENT', message, { argument });
}
