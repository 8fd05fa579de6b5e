import type { Body } from '../../../src/adapter.js';
import { jsonCodec } from '../../../src/codec.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { checkFields, type OptionNames } from '../../../src/options.js';
import { describeValue } from '../../../src/text.js';
import type { Codec } from '../../../src/types.js';
import {
  type JavaColumns,
  type JavaTable,
  type JavaTableOptions,
  javaLayout,
  MAX_COLUMNS,
  parseBase64,
  parseObject,
  resolveTable,
  toBase64,
} from './java.js';
import type { Cell, Column, Layout } from './layout.js';

/**
 * The type of a field in its column. `'integer'` and `'bigint'` are both INTEGER: the first is read as a number if that
 * is exact, the second always as a bigint. `'strings'` is a list of strings as JSON text in a STRING.
 */
export type JavaFieldType = 'string' | 'integer' | 'bigint' | 'double' | 'boolean' | 'strings' | 'binary';

/** The type of a field, its column if that has another name, or both. */
export type JavaField =
  | JavaFieldType
  | {
      /** Name of the column. Default: the name of the field. */
      readonly column?: string | undefined;
      /** Type of the column. Default: as the value and the column say; see {@link JavaV2Options.fields}. */
      readonly type?: JavaFieldType | undefined;
    };

/** Options of `layout: { type: 'java-v2' }`. */
export interface JavaV2Options extends JavaTableOptions {
  /**
   * Types and column names of fields. Any other field has the column of its name; its value decides how it is written
   * (whole numbers as INTEGER, other numbers as DOUBLE, lists of strings as JSON text) and its column how it is read.
   */
  readonly fields?: Readonly<Record<string, JavaField>> | undefined;
  /** The field that holds the idempotency key of a message. Default: no keys. */
  readonly keyField?: string | undefined;
}

const NAMES: OptionNames<JavaV2Options & { readonly type: 'java-v2' }> = {
  ...{ type: true, fields: true, keyField: true, keyColumns: true, sequenceColumn: true },
};

/**
 * Rows of version 2 of the Java library's Timeline: one column for each field of a message, and none of the adapter's
 * in a fresh entry. Bodies are the JSON text of a flat object; `javaCodec` adds bigints and bytes.
 */
export function javaV2Layout(given?: JavaV2Options): Layout {
  const options = given ? checkFields(given, NAMES, 'layout') : {};
  const { fields: declared = {}, keyField } = options;
  const table = resolveTable(options);
  const fields = new Fields(table, declared);
  const keyColumn = keyField === undefined ? undefined : fields.columnOf(keyField);
  return javaLayout(table, {
    name: 'java-v2',
    recoveryTagColumn: keyColumn,
    recoveryTagOf: (_token, key = '') => key,
    keyOf: (key) => key,
    encode({ body, key }) {
      const columns = fields.encode(body);
      if (key === undefined || columns.find(({ name }) => name === keyColumn)?.value === key) return columns;
      throw invalidArgument('key', `must be the message's ${keyField}: this layout keeps it nowhere else`);
    },
    decode: (columns) => fields.decode(columns),
    deleted: [],
    isKept: (name, isDeletion) => isDeletion && name === keyColumn,
  });
}

/** Converts the JSON text of a message to columns and back. */
class Fields {
  readonly #table: JavaTable;
  readonly #byField = new Map<string, { readonly column: string; readonly type: JavaFieldType | undefined }>();
  readonly #byColumn = new Map<string, { readonly field: string; readonly type: JavaFieldType | undefined }>();

  constructor(table: JavaTable, declared: Readonly<Record<string, JavaField>>) {
    this.#table = table;
    for (const [field, given] of Object.entries(declared)) {
      const { column = field, type } = typeof given === 'string' ? { type: given } : given;
      if (this.#byColumn.has(column))
        throw invalidArgument('layout.fields', `name the column ${describeValue(column)} twice`);
      this.#byField.set(field, { column, type });
      this.#byColumn.set(column, { field, type });
    }
  }

  columnOf(field: string): string {
    const { column } = this.#byField.get(field) ?? { column: field };
    this.#table.checkName(column, `the field ${describeValue(field)} (layout.fields can give it another)`);
    return column;
  }

  encode(body: Body): Column[] {
    const columns = new Map<string, Cell>();
    for (const [field, value] of Object.entries(parseObject(body))) {
      const name = this.columnOf(field);
      if (columns.has(name)) throw invalidArgument('message', `has two fields for the column ${describeValue(name)}`);
      columns.set(name, toCell(field, value, this.#byField.get(field)?.type));
    }
    if (columns.size === 0 || columns.size > MAX_COLUMNS) {
      throw invalidArgument('message', `must have 1 to ${MAX_COLUMNS} fields, one column each, not ${columns.size}`);
    }
    return Array.from(columns, ([name, value]) => ({ name, value }));
  }

  decode(columns: JavaColumns): string {
    const undeclared = [...columns].filter(([name]) => !this.#byColumn.has(name));
    const declared = [...columns].filter(([name]) => this.#byColumn.has(name));
    // The last one wins: a declared column over another that happens to have the name of its field.
    const fields = [...undeclared, ...declared].map(([name, value]) => this.#read(name, value));
    return JSON.stringify(Object.fromEntries(fields));
  }

  #read(name: string, value: Cell): [field: string, value: unknown] {
    const { field, type } = this.#byColumn.get(name) ?? { field: name, type: undefined };
    const read = fromCell(value, type);
    if (read !== undefined) return [field, read];
    const message = `the column ${describeValue(name)} does not hold the JSON text of a list of strings`;
    throw new TimelineError('TIMELINE_DECODE', message);
  }
}

/** Converts a JSON value to each type; `undefined` if it does not fit. */
const TO_CELL: Readonly<Record<JavaFieldType, (value: unknown) => Cell | undefined>> = {
  string: (value) => (typeof value === 'string' ? value : undefined),
  integer: integerOf,
  bigint: integerOf,
  double: (value) => (typeof value === 'number' ? value : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  strings: (value) => (isStrings(value) ? JSON.stringify(value) : undefined),
  binary: binaryOf,
};

function toCell(field: string, value: unknown, declared: JavaFieldType | undefined): Cell {
  const cell = TO_CELL[declared ?? inferType(value)](value);
  if (cell !== undefined) return cell;
  let problem = `must be a string, a number, a boolean or a list of strings, not ${describeValue(value)}`;
  if (declared !== undefined) problem = `must be of the declared type, ${declared}, not ${describeValue(value)}`;
  else if (typeof value === 'number') {
    const remedy = 'use a bigint, or declare it a double';
    problem = `holds ${value}, which may be an integer that a number cannot hold: ${remedy}`;
  }
  throw invalidArgument('message', `cannot be written: its field ${describeValue(field)} ${problem}`);
}

function inferType(value: unknown): JavaFieldType {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'double';
  if (isStrings(value)) return 'strings';
  return member(value, '$integer') === undefined ? 'binary' : 'integer';
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

const INT64 = 0x8000_0000_0000_0000n;

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  const digits = member(value, '$integer');
  if (digits === undefined || !/^-?\d{1,19}$/.test(digits)) return undefined;
  const integer = BigInt(digits);
  return integer >= -INT64 && integer < INT64 ? integer : undefined;
}

function binaryOf(value: unknown): Uint8Array | undefined {
  const text = member(value, '$binary');
  return text === undefined ? undefined : parseBase64(text);
}

/** The string member of an object with no other members. */
function member(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const found: unknown = (value as Record<string, unknown>)[name];
  return typeof found === 'string' ? found : undefined;
}

/**
 * A field value in the JSON text of a message. Values that JSON lacks are objects with one member: `$integer` with
 * decimal digits, `$binary` with base64. Other objects cannot be fields, so there is no ambiguity.
 */
type JsonField = string | number | boolean | readonly string[] | { $integer: string } | { $binary: string };

/**
 * The JSON value of a field. The column's type decides, so that rows of any origin can be read; a declared type only
 * adds what the column does not tell. `undefined` if text that was declared a list of strings is not one.
 */
function fromCell(value: Cell, declared: JavaFieldType | undefined): JsonField | undefined {
  if (typeof value === 'bigint') {
    return declared !== 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : { $integer: String(value) };
  }
  if (value instanceof Uint8Array) return { $binary: toBase64(value) };
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
  return value instanceof Uint8Array ? { $binary: toBase64(value) } : value;
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $integer, $binary } = value as { readonly $integer?: unknown; readonly $binary?: unknown };
  if (typeof $integer === 'string') return BigInt($integer);
  return typeof $binary === 'string' ? new Uint8Array(Buffer.from($binary, 'base64')) : value;
}
