import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import { describe } from '../../../../src/text.js';
import type { Column, KeyColumn, StoredColumn, StoredEntry, StoredRow } from '../layout.js';

/** The primary key of a table of the Java library. */
export interface JavaTableOptions {
  /** The fields of the identifier: one to three, one part of the Timeline id each. Default: `timeline_id`, a STRING. */
  readonly keyColumns?: readonly KeyColumn[] | undefined;
  /** Default `'sequence_id'`. */
  readonly sequenceColumn?: string | undefined;
}

/** Columns of ours in an entry that was changed or trimmed; fresh entries have none. Java's version 1 skips names with `__`. */
const STATE_PREFIX = '__tl_';
export const VERSION_COLUMN = '__tl_version';
export const TRIM_COLUMN = '__tl_trimmed';
const DELETED_COLUMN = '__tl_deleted';
export const TIME_COLUMN = '__tl_at';

/** Of a message: a row takes 1024 in one write, and a change adds some of ours. */
export const MAX_COLUMNS = 1000;
export const MAX_CELL_BYTES = 2 * 1024 * 1024;

const ASCII = /^[\x20-\x7e]{1,255}$/;

/** A row with what its layout needs to change it. */
export interface JavaRow extends StoredRow {
  readonly names: readonly string[];
}

export interface JavaTable {
  readonly keyColumns: readonly KeyColumn[];
  readonly sequenceColumn: string;
  /** Throws for what cannot be the name of an attribute column in this table; `what` tells whose name it is. */
  checkName(name: string, what: string): void;
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
      throw invalidArgument('layout.keyColumns', `must be STRING or INTEGER, not ${describe(type)}`);
  }
  return {
    keyColumns,
    sequenceColumn,
    checkName(name, what) {
      checkColumnName(name, 'message', what);
      if (names.has(name)) throw unfit('message', name, what, 'which is a key column of the table');
      if (name.startsWith(STATE_PREFIX))
        throw unfit('message', name, what, `but ${STATE_PREFIX} is for columns of the adapter`);
    },
  };
}

/** The SDK writes other names wrongly: one it takes for the version of the cell, and it counts characters for bytes. */
function checkColumnName(name: string, argument: string, what: string): void {
  if (name === 'timestamp') throw unfit(argument, name, what, 'which the SDK takes for the version of the cell');
  if (!ASCII.test(name) || name.startsWith('#')) {
    throw unfit(argument, name, what, 'but names have 1 to 255 ASCII characters and do not begin with #');
  }
}

function unfit(argument: string, name: string, what: string, problem: string): TimelineError {
  return invalidArgument(argument, `needs a column named ${describe(name)} for ${what}, ${problem}`);
}

/** A row apart: what the laws need, and the columns that Java knows. */
export function splitRow(columns: readonly StoredColumn[]): Omit<JavaRow, 'entries'> & {
  readonly own: ReadonlyMap<string, StoredColumn['value']>;
  readonly deleted: boolean;
} {
  const state = new Map(
    columns.filter(({ name }) => name.startsWith(STATE_PREFIX)).map(({ name, value }) => [name, value]),
  );
  const own = columns.filter(({ name }) => !state.has(name));
  const trimmed = state.get(TRIM_COLUMN);
  return {
    own: new Map(own.map(({ name, value }) => [name, value])),
    names: own.map(({ name }) => name),
    at: Number(state.get(TIME_COLUMN) ?? oldest(columns)),
    version: Number(state.get(VERSION_COLUMN) ?? 0),
    deleted: state.get(DELETED_COLUMN) === true,
    ...(typeof trimmed === 'bigint' && { trimmedThrough: trimmed }),
  };
}

/** When the row was appended, as far as its cells tell: a change by Java gives those that it writes newer versions. */
function oldest(columns: readonly StoredColumn[]): number {
  return columns.reduce((at, { version }) => Math.min(at, version), columns[0]?.version ?? 0);
}

/** What a change leaves: how often there was one, whether it was a deletion, and the time that the versions of its cells no longer tell. */
export function stateOf({ version, at }: StoredRow, deleted: boolean): Column[] {
  const state = [
    { name: VERSION_COLUMN, value: BigInt(version + 1) },
    { name: TIME_COLUMN, value: BigInt(at) },
  ];
  return deleted ? [...state, { name: DELETED_COLUMN, value: true }] : state;
}

/** The one entry of a row. Its body is decoded when it is asked for, so that a broken one harms neither a head nor a trim. */
export function entryOf(
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
      decoded ??= { body: decodeOf(seqId, decode) };
      return decoded.body;
    },
  };
}

function decodeOf(seqId: bigint, decode: () => Body | undefined): Body | undefined {
  try {
    return decode();
  } catch (cause) {
    const message = `entry ${seqId} cannot be decoded: ${(cause as Error).message}`;
    throw new TimelineError('TIMELINE_DECODE', message, { cause, actual: seqId });
  }
}

/**
 * What a change removes: columns of the row that it does not write and that `kept` does not name. `TIMELINE_UNSUPPORTED` for a name
 * that the SDK would write wrongly.
 */
export function outdated({ names }: JavaRow, written: readonly Column[], kept: (name: string) => boolean): string[] {
  const present = new Set(written.map(({ name }) => name));
  const removed = names.filter((name) => !present.has(name) && !kept(name));
  const unfit = removed.find((name) => !ASCII.test(name));
  if (unfit === undefined) return removed;
  throw new TimelineError(
    'TIMELINE_UNSUPPORTED',
    `the column ${describe(unfit)} of this row cannot be removed: its name is not ASCII`,
  );
}
