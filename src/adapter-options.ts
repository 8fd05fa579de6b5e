import { MAX_TIMER_MS } from './budget.js';
import { invalidArgument } from './errors.js';
import { unknownOption } from './options.js';
import { describeValue } from './text.js';

type Plain = string | number | boolean;

/**
 * Returns the options of an adapter with defaults filled in; a default of `undefined` marks an optional number. Throws
 * `TIMELINE_INVALID_ARGUMENT` for an unknown name, a value of another type than the default, a number that is not an
 * integer of at least 1 (or `least`), and one named `…Ms` above the limit of a timer (`keyWindowMs` never reaches a
 * timer).
 */
export function resolveOptions<T extends { readonly [name in keyof T]: Plain | undefined }>(
  adapter: string,
  defaults: T,
  options: { readonly [name in keyof T]?: T[name] | null | undefined } | null | undefined,
  least: { readonly [name in keyof T]?: number } = {},
): T {
  const given: Record<string, Plain> = {};
  for (const name of Object.keys(options ?? {}) as (keyof T & string)[]) {
    const value: Plain | null | undefined = options?.[name];
    if (!Object.hasOwn(defaults, name)) throw unknownOption(name, Object.keys(defaults), { of: adapter });
    if (value === undefined || value === null) continue;
    const type = defaults[name] === undefined ? 'number' : typeof defaults[name];
    if (typeof value !== type) throw invalidArgument(name, `must be a ${type}, not ${describeValue(value)}`);
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
