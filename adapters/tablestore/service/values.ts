import type { Cell, Column, KeyColumn, StoredColumn } from '../layouts/layout.js';
import type { SdkRow, TableStoreSdk } from './client.js';

/** Bounds of a range, and the placeholder for an id that the service chooses. */
export const MIN = Symbol('INF_MIN');
export const MAX = Symbol('INF_MAX');
export const AUTO = Symbol('PK_AUTO_INCR');

export type KeyPart = string | bigint | typeof MIN | typeof MAX | typeof AUTO;

export interface Table {
  readonly name: string;
  readonly key: readonly KeyColumn[];
}

/** A row as read from the service. */
export interface StoredRecord {
  readonly key: readonly KeyPart[];
  readonly columns: readonly StoredColumn[];
}

/** A condition on one column of the stored row. */
export interface ColumnTest {
  readonly column: string;
  readonly is: 'EQUAL' | 'NOT_EQUAL' | 'LESS_THAN';
  readonly value: Cell;
  /** Default false. */
  readonly passIfMissing?: boolean;
}

const EXISTENCE = { any: 0, exists: 1, missing: 2 } as const;

/** Converts values to and from those of the SDK, which loses digits of every integer that it gets as a `number`. */
export class Values {
  readonly #sdk: TableStoreSdk;

  constructor(sdk: TableStoreSdk) {
    this.#sdk = sdk;
  }

  key({ key }: Table, parts: readonly KeyPart[]): object[] {
    return parts.map((part, i) => ({ [key[i]?.name as string]: this.#value(part) }));
  }

  #value(value: Cell | KeyPart): unknown {
    if (value === MIN) return this.#sdk.INF_MIN;
    if (value === MAX) return this.#sdk.INF_MAX;
    if (value === AUTO) return this.#sdk.PK_AUTO_INCR;
    if (typeof value === 'bigint') return this.#sdk.Long.fromString(value.toString());
    return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
  }

  /** The SDK takes the object's first name as the column, and `timestamp` as the version. */
  cell({ name, value }: Column, version: number | undefined): object {
    return version === undefined ? { [name]: this.#value(value) } : { [name]: this.#value(value), timestamp: version };
  }

  condition(expect: 'exists' | 'missing' | undefined, columnTests: readonly ColumnTest[] = []): unknown {
    const existence = EXISTENCE[expect ?? 'any'];
    const tests = columnTests.map(
      ({ column, is, value, passIfMissing = false }) =>
        new this.#sdk.SingleColumnCondition(column, this.#value(value), this.#sdk.ComparatorType[is], passIfMissing),
    );
    if (tests.length < 2) return new this.#sdk.Condition(existence, tests[0] ?? null);
    const all = new this.#sdk.CompositeCondition(this.#sdk.LogicalOperator.AND);
    for (const test of tests) all.addSubCondition(test);
    return new this.#sdk.Condition(existence, all);
  }

  record({ primaryKey, attributes }: SdkRow): StoredRecord {
    return {
      key: (primaryKey ?? []).map(({ value }) => plain(value) as KeyPart),
      columns: (attributes ?? []).map(({ columnName, columnValue, timestamp }) => ({
        name: columnName,
        value: plain(columnValue),
        version: Number(timestamp.toString()),
      })),
    };
  }
}

function plain(value: unknown): Cell {
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) return BigInt(String(value));
  return value as Cell;
}

/** Bytes that a row takes of a request, rounded up a little. */
export function sizeOf(key: readonly KeyPart[], columns: readonly Column[]): number {
  const sizeOfValue = (value: Cell | KeyPart) =>
    typeof value === 'string' || value instanceof Uint8Array ? Buffer.byteLength(value) : 8;
  let size = 64;
  for (const part of key) size += 16 + sizeOfValue(part);
  for (const { name, value } of columns) size += name.length + 8 + sizeOfValue(value);
  return size;
}

/** The value of a column; `undefined` if the row lacks it. */
export function columnOf(columns: readonly Column[], name: string): Cell | undefined {
  return columns.find((column) => column.name === name)?.value;
}
