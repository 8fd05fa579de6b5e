import type { Cell, Column, StoredColumn } from '../layouts/layout.js';
import type { SdkRow, TableStoreSdk } from './client.js';

/** Bounds of a range, and the placeholder for an id that the service chooses. */
export const MIN = Symbol('INF_MIN');
export const MAX = Symbol('INF_MAX');
export const AUTO = Symbol('PK_AUTO_INCR');

export type KeyPart = string | bigint | Uint8Array | typeof MIN | typeof MAX | typeof AUTO;

export interface Table {
  readonly name: string;
  /** Names of the key columns. */
  readonly key: readonly string[];
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
  readonly passIfMissing: boolean;
}

const EXISTENCE = { any: 0, exists: 1, missing: 2 } as const;

/** Converts values to and from those of the SDK, which loses digits of every integer that it gets as a `number`. */
export class Values {
  readonly #sdk: TableStoreSdk;

  constructor(sdk: TableStoreSdk) {
    this.#sdk = sdk;
  }

  key(table: Table, parts: readonly KeyPart[]): object[] {
    return parts.map((part, i) => ({ [table.key[i] as string]: this.#keyValue(part) }));
  }

  #keyValue(part: KeyPart): unknown {
    if (part === MIN) return this.#sdk.INF_MIN;
    if (part === MAX) return this.#sdk.INF_MAX;
    if (part === AUTO) return this.#sdk.PK_AUTO_INCR;
    return this.#value(part as Cell);
  }

  #value(cell: Cell): unknown {
    if (typeof cell === 'bigint') return this.#sdk.Long.fromString(cell.toString());
    if (cell instanceof Uint8Array) return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength);
    return cell;
  }

  /** The SDK takes the object's first name as the column, and `timestamp` as the version. */
  cell({ name, value }: Column, version: number | undefined): object {
    return version === undefined ? { [name]: this.#value(value) } : { [name]: this.#value(value), timestamp: version };
  }

  condition(expect: 'exists' | 'missing' | undefined, tests: readonly ColumnTest[] = []): unknown {
    return new this.#sdk.Condition(EXISTENCE[expect ?? 'any'], tests.length > 0 ? this.#all(tests) : null);
  }

  #all(tests: readonly ColumnTest[]): unknown {
    const [first] = tests;
    if (first && tests.length === 1) return this.#test(first);
    const all = new this.#sdk.CompositeCondition(this.#sdk.LogicalOperator.AND);
    for (const test of tests) all.addSubCondition(this.#test(test));
    return all;
  }

  #test({ column, is, value, passIfMissing }: ColumnTest): unknown {
    return new this.#sdk.SingleColumnCondition(column, this.#value(value), this.#sdk.ComparatorType[is], passIfMissing);
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
  let size = 64;
  for (const part of key) size += 16 + (typeof part === 'string' ? Buffer.byteLength(part) : 8);
  for (const { name, value } of columns) size += name.length + 8 + bytesOf(value);
  return size;
}

function bytesOf(value: Cell): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : 8;
}

/** The value of a column; `undefined` if the row lacks it. */
export function columnOf(columns: readonly Column[], name: string): Cell | undefined {
  return columns.find((column) => column.name === name)?.value;
}
