/** Secondary (global) indexes: read-only tables that follow another table row by row. */
import { parameterInvalid } from '../errors.js';
import type { KeyCell, Value } from '../values.js';
import type { IndexMeta } from '../wire/messages-table.js';
import { PrimaryKeyType } from '../wire/messages-table.js';
import type { Message } from '../wire/protobuf.js';
import { makeRow, type Row, type Version } from './row.js';
import { type RowChange, Table, type TableDefinition } from './table.js';

type Meta = Message<typeof IndexMeta>;

/** Types of predefined columns that keys can have. */
const KEY_TYPES: Readonly<Record<number, number>> = {
  1: PrimaryKeyType.INTEGER,
  4: PrimaryKeyType.STRING,
  7: PrimaryKeyType.BINARY,
};
const VALUE_TYPES: Readonly<Record<number, Value['type']>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BLOB' };

export class SecondaryIndexes {
  readonly #byMain = new Map<Table, Map<string, Table>>();

  /** Returns the index of that name, of any table. */
  get(name: string): Table | undefined {
    for (const indexes of this.#byMain.values()) if (indexes.has(name)) return indexes.get(name);
    return undefined;
  }

  /** @throws ServiceError if the index names a column that is neither a key nor predefined */
  create(main: Table, meta: Meta, includeBaseData: boolean): void {
    const index = new Table(definitionOf(main.definition, meta), main.createdAt, () => {});
    const indexes = this.#byMain.get(main) ?? new Map<string, Table>();
    this.#byMain.set(main, indexes.set(meta.name, index));
    if (includeBaseData) for (const row of main.all()) follow(index, meta, { before: undefined, after: row });
  }

  drop(main: Table, name: string): void {
    this.#byMain.get(main)?.delete(name);
  }

  dropAll(main: Table): void {
    this.#byMain.delete(main);
  }

  onChange(main: Table, change: RowChange): void {
    for (const meta of main.definition.indexMetas) {
      const index = this.#byMain.get(main)?.get(meta.name);
      if (index) follow(index, meta, change);
    }
  }
}

/** The key has the index's columns, then the missing ones of the main key, so that entries stay unique. */
export function definitionOf(main: TableDefinition, meta: Meta): TableDefinition {
  const { primaryKey, definedColumn } = main.tableMeta;
  const names = [
    ...meta.primaryKey,
    ...primaryKey.map(({ name }) => name).filter((name) => !meta.primaryKey.includes(name)),
  ];
  const key = names.map((name) => {
    const column = definedColumn.find((defined) => defined.name === name);
    const type = primaryKey.find((cell) => cell.name === name)?.type ?? KEY_TYPES[column?.type ?? 0];
    if (type === undefined) throw parameterInvalid(`Column '${name}' cannot be a primary key of index '${meta.name}'.`);
    return { name, type };
  });
  for (const name of meta.definedColumn) {
    if (!definedColumn.some((column) => column.name === name))
      throw parameterInvalid(`Column '${name}' is not a defined column.`);
  }
  return {
    ...main,
    tableMeta: {
      tableName: meta.name,
      primaryKey: key,
      definedColumn: definedColumn.filter(({ name }) => meta.definedColumn.includes(name)),
      indexMetas: [],
    },
    indexMetas: [],
  };
}

function follow(index: Table, meta: Meta, { before, after }: RowChange): void {
  const old = before && entryOf(index, meta, before.unpack());
  const stored = old && index.get(old.address);
  if (stored) index.delete(stored);
  const entry = after && entryOf(index, meta, after.unpack());
  if (entry) index.set(entry);
}

/** Returns a row's entry; undefined if the row lacks a column of the index's key or has it with another type. */
function entryOf(index: Table, meta: Meta, row: Row): Row | undefined {
  const key: KeyCell[] = [];
  for (const { name, type } of index.definition.tableMeta.primaryKey) {
    const value = row.primaryKey.find((cell) => cell.name === name)?.value ?? row.columns.get(name)?.[0]?.value;
    if (value?.type !== VALUE_TYPES[type]) return undefined;
    key.push({ name, value: value! });
  }
  const columns = new Map<string, readonly Version[]>();
  for (const name of meta.definedColumn) {
    const versions = row.columns.get(name);
    if (versions) columns.set(name, versions.slice(0, 1));
  }
  return makeRow(key, columns, row.writtenAt);
}
