import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import { describeValue } from '../../../../src/text.js';
import type { Column, KeyColumn, StoredColumn, StoredEntry, StoredRow } from '../layout.js';

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
export const CHANGE_COUNT_COLUMN = '__tl_version';
export const TRIM_COLUMN = '__tl_trimmed';
const DELETED_COLUMN = '__tl_deleted';
export const TIME_COLUMN = '__tl_at';

/** Columns of one message: a write takes 1024, and a change adds some of the adapter's. */
export const MAX_COLUMNS = 1000;
export const MAX_CELL_BYTES = 2 * 1024 * 1024;

const ASCII = /^[\x20-\x7e]{1,255}$/;

/** A row with the names of its columns, which a change needs. */
export interface JavaRow extends StoredRow {
  readonly names: readonly string[];
}

export interface JavaTable {
  readonly keyColumns: readonly KeyColumn[];
  readonly sequenceColumn: string;
  /** Throws if an attribute column cannot have this name. `owner` is the field or attribute, for the message. */
  checkName(name: string, owner: string): void;
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
    if (type !== 'STRING' && type !== 'INTEGER')
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

/** Separates the adapter's columns from Java's (`own`). */
export function splitRow(columns: readonly StoredColumn[]): Omit<JavaRow, 'entries'> & {
  readonly own: ReadonlyMap<string, StoredColumn['value']>;
  readonly deleted: boolean;
} {
  const adapterColumns = new Map(
    columns.filter(({ name }) => name.startsWith(ADAPTER_PREFIX)).map(({ name, value }) => [name, value]),
  );
  const own = columns.filter(({ name }) => !adapterColumns.has(name));
  const trimmed = adapterColumns.get(TRIM_COLUMN);
  return {
    own: new Map(own.map(({ name, value }) => [name, value])),
    names: own.map(({ name }) => name),
    at: Number(adapterColumns.get(TIME_COLUMN) ?? oldestVersion(columns)),
    changeCount: Number(adapterColumns.get(CHANGE_COUNT_COLUMN) ?? 0),
    deleted: adapterColumns.get(DELETED_COLUMN) === true,
    ...(typeof trimmed === 'bigint' && { trimmedThrough: trimmed }),
  };
}

/** The time of the append, unless Java has changed every cell since: a change gives its cells newer versions. */
function oldestVersion(columns: readonly StoredColumn[]): number {
  return columns.reduce((at, { version }) => Math.min(at, version), columns[0]?.version ?? 0);
}

/** The adapter's columns of a changed row. They hold its time too, which the versions of its cells no longer tell. */
export function changeColumns({ changeCount, at }: StoredRow, deleted: boolean): Column[] {
  const columns = [
    { name: CHANGE_COUNT_COLUMN, value: BigInt(changeCount + 1) },
    { name: TIME_COLUMN, value: BigInt(at) },
  ];
  return deleted ? [...columns, { name: DELETED_COLUMN, value: true }] : columns;
}

/** The one entry of a row. Its body is decoded on access, so that a broken one fails neither a head nor a trim. */
export function lazyEntry(
  seqId: bigint,
  revision: number,
  key: string | undefined,
  decode: () => Body | undefined,
): StoredEntry {
  let decoded: { readonly body: Body | undefined } | undefined;
  return {
    revision,
    key,
    get body() {
      decoded ??= { body: decodeOrThrow(seqId, decode) };
      return decoded.body;
    },
  };
}

function decodeOrThrow(seqId: bigint, decode: () => Body | undefined): Body | undefined {
  try {
    return decode();
  } catch (cause) {
    const message = `entry ${seqId} cannot be decoded: ${(cause as Error).message}`;
    throw new TimelineError('TIMELINE_DECODE', message, { cause, actual: seqId });
  }
}

/**
 * The columns that a change removes: all that it neither writes nor keeps.
 *
 * @throws `TIMELINE_UNSUPPORTED` for a name that the SDK would write wrongly.
 */
export function columnsToRemove(
  { names }: JavaRow,
  written: readonly Column[],
  isKept: (name: string) => boolean,
): string[] {
  const isWritten = new Set(written.map(({ name }) => name));
  const removed = names.filter((name) => !isWritten.has(name) && !isKept(name));
  const badName = removed.find((name) => !ASCII.test(name));
  if (badName === undefined) return removed;
  throw new TimelineError(
    'TIMELINE_UNSUPPORTED',
    `the column ${describeValue(badName)} of this row cannot be removed: its name is not ASCII`,
  );
}
