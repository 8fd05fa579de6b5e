import { MAX_TIMER_MS } from './budget.js';
import { invalidArgument } from './errors.js';
import { describe } from './text.js';

type Plain = string | number | boolean;

/**
 * The options of an adapter with its defaults filled in; a default of `undefined` stands for a number that may be left
 * out. `TIMELINE_INVALID_ARGUMENT` for a name that is none, a value of another type than the default has, and a number
 * that is no integer of at least 1, or of what `least` says, or above what a timer takes where its name ends in `Ms`
 * (`keyWindowMs` never reaches a timer).
 */
export function resolveOptions<T extends { readonly [name in keyof T]: Plain | undefined }>(
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
    const type = defaults[name] === undefined ? 'number' : typeof defaults[name];
    if (typeof value !== type) throw invalidArgument(name, `must be a ${type}, not ${describe(value)}`);
    if (typeof value === 'number') checkNumber(name, value, least[name] ?? 1);
    given[name] = value;
  }
  return { ...defaults, ...given };
}

function checkNumber(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalidArgument(name, `must be an integer of at least ${least}, not ${value}`);
  }
  if (name.endsWith('Ms') && name !== 'keyWindowMs' && value > MAX_TIMER_MS) {
    throw invalidArgument(name, `must be at most ${MAX_TIMER_MS}, about 24 days, not ${value}`);
  }
}
