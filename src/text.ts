import { invalidArgument, TimelineError } from './errors.js';

const CONTROL = /\p{Cc}/u;

/** Lone surrogates have no UTF-8 form: a store would return another string. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/**
 * Returns `value` if it is a name, key or id: not empty, well-formed, and at most `limit` bytes of UTF-8. With
 * `printable`, control characters are refused too.
 *
 * @param argument The name of the argument, for the error.
 * @throws `TIMELINE_INVALID_ARGUMENT`, or `TIMELINE_TOO_LARGE` with `limit`.
 *
 * @example
 * const name = checkText(options.name, 'name', 200);
 */
export function checkText(
  value: unknown,
  argument: string,
  limit: number,
  options: { printable?: boolean } = {},
): string {
  if (typeof value !== 'string') throw invalidArgument(argument, `must be a string, not ${describeValue(value)}`);
  if (value === '') throw invalidArgument(argument, 'must not be empty');
  if (!isWellFormed(value)) throw invalidArgument(argument, 'holds a lone surrogate, which has no UTF-8 form');
  if (options.printable && CONTROL.test(value)) throw invalidArgument(argument, 'holds a control character');
  if (value.length * 3 > limit && utf8Length(value) > limit) {
    throw new TimelineError('TIMELINE_TOO_LARGE', `${argument} is longer than ${limit} bytes`, { argument, limit });
  }
  return value;
}

/** Describes a value for an error message: the value itself if short, else its kind. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value === 'string') return value.length > 40 ? 'a long string' : JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Returns `value` if it is an object, for callers without types. Throws `TIMELINE_INVALID_ARGUMENT`. */
export function checkObject<T extends object>(value: T, argument: string): T {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument(argument, `must be an object, not ${describeValue(value)}`);
  return value;
}

export function checkArray<T>(value: readonly T[], argument: string): readonly T[] {
  if (!Array.isArray(value)) throw invalidArgument(argument, `must be an array, not ${describeValue(value)}`);
  return value;
}

/** Throws `TIMELINE_INVALID_ARGUMENT` for anything but a function or `undefined`. */
export function checkFunction(value: unknown, argument: string): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalidArgument(argument, `must be a function, not ${describeValue(value)}`);
}
