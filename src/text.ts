import type { Abortable } from './entry-types.js';
import { invalidArgument, TimelineError } from './errors.js';

const CONTROL = /\p{Cc}/u;

/** Lone surrogates have no UTF-8 form: a store would return another string. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** Checks a name, key or id: not empty, well-formed, at most `limit` bytes. */
export function checkText(
  value: unknown,
  argument: string,
  limit: number,
  options: { printable?: boolean } = {},
): string {
  if (typeof value !== 'string') throw invalidArgument(argument, `must be a string, not ${describe(value)}`);
  if (value === '') throw invalidArgument(argument, 'must not be empty');
  if (!isWellFormed(value)) throw invalidArgument(argument, 'holds a lone surrogate, which has no UTF-8 form');
  if (options.printable && CONTROL.test(value)) throw invalidArgument(argument, 'holds a control character');
  if (value.length * 3 > limit && utf8Length(value) > limit) {
    throw new TimelineError('TIMELINE_TOO_LARGE', `${argument} is longer than ${limit} bytes`, { argument, limit });
  }
  return value;
}

/** Describes a value for an error message: the value itself if short, else its kind. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value === 'string') return value.length > 40 ? 'a long string' : JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Checks for an object, for untyped callers. */
export function checkObject<T extends object>(value: T, argument: string): T {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument(argument, `must be an object, not ${describe(value)}`);
  return value;
}

export function checkArray<T>(value: readonly T[], argument: string): readonly T[] {
  if (!Array.isArray(value)) throw invalidArgument(argument, `must be an array, not ${describe(value)}`);
  return value;
}

/** Checks the options of a waiting call, and its signal. */
export function checkOptions<T extends Abortable>(options: T): T {
  const { signal } = checkObject(options, 'options');
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidArgument('signal', `must be an AbortSignal, not ${describe(signal)}`);
  return options;
}

export function checkFunction(value: unknown, argument: string): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalidArgument(argument, `must be a function, not ${describe(value)}`);
}
