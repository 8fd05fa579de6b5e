import type { Body } from '../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { describeValue } from '../../../src/text.js';
import type { Cell, Column, KeyColumn, Layout, NewEntry, StoredColumn, StoredEntry, StoredRow } from './layout.js';

/** The primary key of a table that the Java library uses. */
export interface JavaTableOptions {
  /** One to three fields of the identifier, one for each part of the Timeline id. Default: `timeline_id`, a STRING. */
  readonly keyColumns?: readonly KeyColumn[] | undefined;
  /** Default `'sequence_id'`. */
  readonly sequenceColumn?: string | undefined;
}

/**
 * The adapter's columns in a changed or trimmed entry; fresh entries have none. Java's version 1 skips names with `__`.
 */
const ADAPTER_PREFIX = '__tl_';
const CHANGE_COUNT_COLUMN = '__tl_version';
const TRIM_COLUMN = '__tl_trimmed';
const DELETED_COLUMN = '__tl_deleted';
const TIME_COLUMN = '__tl_at';

/** Columns of one message: a write takes 1024, and a change adds some of the adapter's. */
export const MAX_COLUMNS = 1000;
export const MAX_CELL_BYTES = 2 * 1024 * 1024;

const ASCII = /^[\x20-\x7e]{1,255}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface JavaTable {
  readonly keyColumns: readonly KeyColumn[];
  readonly sequenceColumn: string;
  /** Throws if an attribute column cannot have this name. `owner` is the field or attribute, for the message. */
  checkName(name: string, owner: string): void;
}

/** The columns of a row that are not the adapter's. */
export type JavaColumns = ReadonlyMap<string, Cell>;

/** The part of a layout in which the versions of the Java library differ. */
export interface JavaMapping extends Pick<Layout, 'name' | 'recoveryTagColumn' | 'recoveryTagOf'> {
  /** The idempotency key of an entry whose row has this recovery tag. */
  keyOf(recoveryTag: string | undefined): string | undefined;
  /** `recoveryTag`: of a new row. */
  encode(entry: NewEntry, recoveryTag?: string): Column[];
  decode(columns: JavaColumns): Body;
  /** The columns that a deletion writes. */
  readonly deleted: readonly Column[];
  /** True for a column that a change leaves in the row though it does not write it. */
  isKept(name: string, isDeletion: boolean): boolean;
}

/** A row with the names of its columns, which a change needs. */
interface JavaRow extends StoredRow {
  readonly names: readonly string[];
}

export function resolveTable(options: JavaTableOptions): JavaTable {
  const { keyColumns = [{ name: 'timeline_id', type: 'STRING' }], sequenceColumn = 'sequence_id' } = options;
  if (!Array.isArray(keyColumns) || keyColumns.length < 1 || keyColumns.length > 3) {
    throw invalidArgument('layout.keyColumns', 'must name one to three columns');
  }
  const names = new Set([...keyColumns.map(({ name }) => name), sequenceColumn]);
  if (names.size !== keyColumns.length + 1) throw invalidArgument('layout.keyColumns', 'must have names that differ');
  for (const name of names) checkColumnName(name, 'layout.keyColumns', 'the key');
  for (const { type } of keyColumns) {
    if (type === 'STRING' || type === 'INTEGER') continue;
    throw invalidArgument('layout.keyColumns', `must be STRING or INTEGER, not ${describeValue(type)}`);
  }
  return {
    keyColumns,
    sequenceColumn,
    checkName(name, owner) {
      checkColumnName(name, 'message', owner);
      if (names.has(name)) throw badName('message', name, owner, 'which is a key column of the table');
      if (name.startsWith(ADAPTER_PREFIX))
        throw badName('message', name, owner, `but ${ADAPTER_PREFIX} is for columns of the adapter`);
    },
  };
}

/** The SDK writes other names wrongly: it takes `timestamp` for the cell's version, and counts characters as bytes. */
function checkColumnName(name: string, argument: string, owner: string): void {
  if (name === 'timestamp') throw badName(argument, name, owner, 'which the SDK takes for the version of the cell');
  if (!ASCII.test(name) || name.startsWith('#')) {
    throw badName(argument, name, owner, 'but names have 1 to 255 ASCII characters and do not begin with #');
  }
}

function badName(argument: string, name: string, owner: string, problem: string): TimelineError {
  return invalidArgument(argument, `needs a column named ${describeValue(name)} for ${owner}, ${problem}`);
}

/** The layout of one version of the Java library. */
export function javaLayout({ keyColumns, sequenceColumn }: JavaTable, mapping: JavaMapping): Layout {
  const { name, recoveryTagColumn, recoveryTagOf } = mapping;
  return {
    name,
    shared: true,
    keyColumns,
    sequenceColumn,
    recoveryTagColumn,
    recoveryTagOf,
    timeColumn: TIME_COLUMN,
    trimColumn: TRIM_COLUMN,
    changeCountColumn: CHANGE_COUNT_COLUMN,
    maxBodyBytes: MAX_CELL_BYTES,
    encode: ([entry], recoveryTag) => mapping.encode(entry as NewEntry, recoveryTag),
    decode: (columns, rowId) => decodeRow(mapping, columns, rowId),
    change(row: JavaRow, index, body) {
      const key = row.entries[index]?.key;
      const isDeletion = body === undefined;
      const columns = isDeletion ? mapping.deleted : mapping.encode({ body, key });
      // The versions of the cells no longer tell the row's time.
      const changed: Column[] = [
        { name: CHANGE_COUNT_COLUMN, value: BigInt(row.changeCount + 1) },
        { name: TIME_COLUMN, value: BigInt(row.at) },
      ];
      if (isDeletion) changed.push({ name: DELETED_COLUMN, value: true });
      const written = new Set(columns.map((column) => column.name));
      const remove = row.names.filter((each) => !written.has(each) && !mapping.isKept(each, isDeletion));
      checkRemovable(remove);
      return { put: [...columns, ...changed], remove };
    },
  };
}

function decodeRow(mapping: JavaMapping, columns: readonly StoredColumn[], rowId: bigint): JavaRow {
  const own = new Map<string, Cell>();
  const adapterColumns = new Map<string, Cell>();
  for (const { name, value } of columns) (name.startsWith(ADAPTER_PREFIX) ? adapterColumns : own).set(name, value);
  const tag = mapping.recoveryTagColumn === undefined ? undefined : own.get(mapping.recoveryTagColumn);
  const recoveryTag = typeof tag === 'string' ? tag : undefined;
  const changeCount = Number(adapterColumns.get(CHANGE_COUNT_COLUMN) ?? 0);
  const isDeleted = adapterColumns.get(DELETED_COLUMN) === true;
  const decode = () => (isDeleted ? undefined : mapping.decode(own));
  const trimmed = adapterColumns.get(TRIM_COLUMN);
  return {
    names: [...own.keys()],
    at: Number(adapterColumns.get(TIME_COLUMN) ?? oldestVersion(columns)),
    changeCount,
    recoveryTag,
    trimmedThrough: typeof trimmed === 'bigint' ? trimmed : undefined,
    entries: [lazyEntry(rowId, { revision: changeCount, key: mapping.keyOf(recoveryTag) }, decode)],
  };
}

/** The time of the append, unless Java has changed every cell since: a change gives its cells newer versions. */
function oldestVersion(columns: readonly StoredColumn[]): number {
  return columns.reduce((at, { version }) => Math.min(at, version), columns[0]?.version ?? 0);
}

/** Its body is decoded on access, so that a broken one fails neither a head nor a trim. */
function lazyEntry(seqId: bigint, entry: Omit<StoredEntry, 'body'>, decode: () => Body | undefined): StoredEntry {
  let decoded: { readonly body: Body | undefined } | undefined;
  return {
    ...entry,
    get body() {
      try {
        decoded ??= { body: decode() };
        return decoded.body;
      } catch (cause) {
        const message = `entry ${seqId} cannot be decoded: ${(cause as Error).message}`;
        throw new TimelineError('TIMELINE_DECODE', message, { cause, actual: seqId });
      }
    },
  };
}

/** The SDK would write the name wrongly. */
function checkRemovable(names: readonly string[]): void {
  const bad = names.find((name) => !ASCII.test(name));
  if (bad === undefined) return;
  const message = `the column ${describeValue(bad)} of this row cannot be removed: its name is not ASCII`;
  throw new TimelineError('TIMELINE_UNSUPPORTED', message);
}

/** `undefined` if the text is not base64. */
export function parseBase64(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
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
