import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import { describeValue } from '../../../../src/text.js';
import type { Cell, Column, Layout, NewEntry } from '../layout.js';
import { fromColumnValue, type JavaFieldType, parseObject, toColumnValue } from './fields.js';
import {
  CHANGE_COUNT_COLUMN,
  changeColumns,
  columnsToRemove,
  type JavaRow,
  type JavaTable,
  type JavaTableOptions,
  lazyEntry,
  MAX_CELL_BYTES,
  MAX_COLUMNS,
  resolveTable,
  splitRow,
  TIME_COLUMN,
  TRIM_COLUMN,
} from './table.js';

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

/**
 * Rows of version 2 of the Java library's Timeline: one column for each field of a message, and none of the adapter's
 * in a fresh entry. Bodies are the JSON text of a flat object; `javaCodec` adds bigints and bytes.
 */
export function javaV2Layout(options: JavaV2Options = {}): Layout {
  const table = resolveTable(options);
  const fields = new Fields(table, options.fields ?? {});
  const keyColumn = options.keyField === undefined ? undefined : fields.columnOf(options.keyField);
  const isKey = (name: string) => name === keyColumn;

  function encode({ body, key }: NewEntry): Column[] {
    const columns = fields.encode(body);
    if (key !== undefined && columns.find(({ name }) => isKey(name))?.value !== key) {
      throw invalidArgument('key', `must be the message's ${options.keyField}: this layout keeps it nowhere else`);
    }
    return columns;
  }

  return {
    name: 'java-v2',
    keyColumns: table.keyColumns,
    sequenceColumn: table.sequenceColumn,
    packs: false,
    shared: true,
    recoveryTagColumn: keyColumn,
    recoveryTagOf: (key = '') => key,
    timeColumn: TIME_COLUMN,
    trimColumn: TRIM_COLUMN,
    changeCountColumn: CHANGE_COUNT_COLUMN,
    update: true,
    delete: true,
    timelines: false,
    maxBodyBytes: MAX_CELL_BYTES,
    encode: ({ entries }) => encode(entries[0] as NewEntry),
    decode(columns, rowId): JavaRow {
      const { own, deleted, ...row } = splitRow(columns);
      const found = keyColumn === undefined ? undefined : own.get(keyColumn);
      const key = typeof found === 'string' ? found : undefined;
      const entry = lazyEntry(rowId, row.changeCount, key, () => (deleted ? undefined : fields.decode(own)));
      return { ...row, recoveryTag: key, entries: [entry] };
    },
    change(row: JavaRow, index, body) {
      const columns = body === undefined ? [] : encode({ body, key: row.entries[index]?.key });
      const isKept = body === undefined ? isKey : () => false;
      return {
        put: [...columns, ...changeColumns(row, body === undefined)],
        remove: columnsToRemove(row, columns, isKept),
      };
    },
  };
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
    const message = parseObject(body);
    const columns = new Map<string, Cell>();
    for (const [field, value] of Object.entries(message)) {
      const name = this.columnOf(field);
      if (columns.has(name)) throw invalidArgument('message', `has two fields for the column ${describeValue(name)}`);
      const result = toColumnValue(value, this.#byField.get(field)?.type);
      if ('problem' in result)
        throw invalidArgument('message', `cannot be written: its field ${describeValue(field)} ${result.problem}`);
      columns.set(name, result.value);
    }
    if (columns.size === 0 || columns.size > MAX_COLUMNS) {
      throw invalidArgument('message', `must have 1 to ${MAX_COLUMNS} fields, one column each, not ${columns.size}`);
    }
    return Array.from(columns, ([name, value]) => ({ name, value }));
  }

  decode(columns: ReadonlyMap<string, Cell>): string {
    const undeclared = [...columns].filter(([name]) => !this.#byColumn.has(name));
    const declared = [...columns].filter(([name]) => this.#byColumn.has(name));
    // The last one wins: a declared column over another that happens to have the name of its field.
    return JSON.stringify(
      Object.fromEntries([...undeclared, ...declared].map(([name, value]) => this.#read(name, value))),
    );
  }

  #read(name: string, value: Cell): [field: string, value: unknown] {
    const { field, type } = this.#byColumn.get(name) ?? { field: name, type: undefined };
    const read = fromColumnValue(value, type);
    if (read !== undefined) return [field, read];
    throw new TimelineError(
      'TIMELINE_DECODE',
      `the column ${describeValue(name)} does not hold the JSON text of a list of strings`,
    );
  }
}
