import type { Body } from '../../../../src/adapter.js';
import { jsonCodec } from '../../../../src/codec.js';
import { invalidArgument } from '../../../../src/errors.js';
import { describeValue } from '../../../../src/text.js';
import type { Codec } from '../../../../src/types.js';
import type { Cell } from '../layout.js';

/**
 * The type of a field in its column. `'integer'` and `'bigint'` are both INTEGER: the first is read as a number if that
 * is exact, the second always as a bigint. `'strings'` is a list of strings as JSON text in a STRING.
 */
export type JavaFieldType = 'string' | 'integer' | 'bigint' | 'double' | 'boolean' | 'strings' | 'binary';

/**
 * A field value in the JSON text of a message. Values that JSON lacks are objects with one member: `$integer` with
 * decimal digits, `$binary` with base64. Other objects cannot be fields, so there is no ambiguity.
 */
export type JsonField = string | number | boolean | readonly string[] | { $integer: string } | { $binary: string };

const INT64 = 1n << 63n;
const DIGITS = /^-?\d{1,19}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Converts a JSON value to each type; `undefined` if it does not fit. */
const TO_COLUMN: Readonly<Record<JavaFieldType, (value: unknown) => Cell | undefined>> = {
  string: (value) => (typeof value === 'string' ? value : undefined),
  integer: integerOf,
  bigint: integerOf,
  double: (value) => (typeof value === 'number' ? value : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  strings: (value) => (isStrings(value) ? JSON.stringify(value) : undefined),
  binary: binaryOf,
};

/** The column value of a field, or the problem with it. */
export function toColumnValue(
  value: unknown,
  declared: JavaFieldType | undefined,
): { value: Cell } | { problem: string } {
  const type = declared ?? inferType(value);
  const found = type && TO_COLUMN[type](value);
  if (found !== undefined) return { value: found };
  if (declared !== undefined)
    return { problem: `must be of the declared type, ${declared}, not ${describeValue(value)}` };
  if (typeof value === 'number') {
    const remedy = 'use a bigint, or declare it a double';
    return { problem: `holds ${value}, which may be an integer that a number cannot hold: ${remedy}` };
  }
  return { problem: `must be a string, a number, a boolean or a list of strings, not ${describeValue(value)}` };
}

function inferType(value: unknown): JavaFieldType | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'double';
  if (isStrings(value)) return 'strings';
  return member(value, '$integer') === undefined ? 'binary' : 'integer';
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  const digits = member(value, '$integer');
  if (digits === undefined || !DIGITS.test(digits)) return undefined;
  const integer = BigInt(digits);
  return integer >= -INT64 && integer < INT64 ? integer : undefined;
}

function binaryOf(value: unknown): Uint8Array | undefined {
  const text = member(value, '$binary');
  return text === undefined ? undefined : parseBase64(text);
}

/** `undefined` if the text is not base64. */
export function parseBase64(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** The string member of an object with no other members. */
function member(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const found: unknown = (value as Record<string, unknown>)[name];
  return typeof found === 'string' ? found : undefined;
}

/**
 * The JSON value of a field. The column's type decides, so that rows of any origin can be read; a declared type only
 * adds what the column does not tell. `undefined` if text that was declared a list of strings is not one.
 */
export function fromColumnValue(value: Cell, declared: JavaFieldType | undefined): JsonField | undefined {
  if (typeof value === 'bigint') {
    return declared !== 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : { $integer: String(value) };
  }
  if (value instanceof Uint8Array) return { $binary: Buffer.from(value).toString('base64') };
  return declared === 'strings' && typeof value === 'string' ? listOf(value) : value;
}

function listOf(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStrings(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Parses a body that must be the JSON text of an object. @throws `TIMELINE_INVALID_ARGUMENT` */
export function parseObject(body: Body): object {
  const problem = 'must be encoded as the JSON text of an object';
  if (typeof body !== 'string') throw invalidArgument('message', problem);
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch (cause) {
    throw invalidArgument('message', problem, { cause });
  }
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return message;
  throw invalidArgument('message', `${problem}, not ${describeValue(message)}`);
}

/**
 * JSON for the columns of `layout: 'java-v2'`, with bigints (INTEGER columns) and bytes (BINARY columns) as fields. An
 * integer that was not declared `'bigint'` is read as a number if that is exact.
 *
 * @example
 * const store = await openTimelineStore<{ sender: string; at: bigint; photo: Uint8Array }>({
 *   adapter: tablestoreAdapter(client, { layout: { type: 'java-v2', fields: { at: 'bigint' } } }),
 *   codec: javaCodec(),
 *   name: 'messages',
 * });
 */
export function javaCodec<M>(): Codec<M> {
  const json = jsonCodec<unknown>();
  return {
    encode: (message) => json.encode(mapFields(message, pack)),
    decode: (body) => mapFields(json.decode(body), unpack) as M,
  };
}

/** Only top-level members are fields: Java's messages are flat. */
function mapFields(message: unknown, change: (value: unknown) => unknown): unknown {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, change(value)]));
}

function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return { $integer: String(value) };
  return value instanceof Uint8Array ? { $binary: Buffer.from(value).toString('base64') } : value;
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $integer, $binary } = value as { readonly $integer?: unknown; readonly $binary?: unknown };
  if (typeof $integer === 'string') return BigInt($integer);
  return typeof $binary === 'string' ? new Uint8Array(Buffer.from($binary, 'base64')) : value;
}
