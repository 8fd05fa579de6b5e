import { invalidArgument } from './errors.js';
import { describe } from './text.js';

type Plain = string | number | boolean;

/**
 * The options of an adapter with its defaults filled in. `TIMELINE_INVALID_ARGUMENT` for a name that is none, a value of
 * another type than the default has, and a number that is no integer of at least 1, or of what `least` says.
 */
export function resolveOptions<T extends { readonly [name in keyof T]: Plain }>(
  adapter: string,
  defaults: T,
  options: { readonly [name in keyof T]?: T[name] | undefined },
  least: { readonly [name in keyof T]?: number } = {},
): T {
  const given: Record<string, Plain> = {};
  for (const name of Object.keys(options) as (keyof T & string)[]) {
    const value: Plain | undefined = options[name];
    if (!(name in defaults)) throw invalidArgument(name, `is not an option of ${adapter}`);
    if (value === undefined) continue;
    if (typeof value !== typeof defaults[name])
      throw invalidArgument(name, `must be a ${typeof defaults[name]}, not ${describe(value)}`);
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= (least[name] ?? 1))) {
      throw invalidArgument(name, `must be an integer of at least ${least[name] ?? 1}, not ${value}`);
    }
    given[name] = value;
  }
  return { ...defaults, ...given };
}
