import { createHash } from 'node:crypto';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import type { LibrarySettings } from '../../../src/settings.js';
import { decodeTimelineId } from '../../../src/timeline-id.js';
import type { KeyColumn, Layout } from '../layouts/layout.js';
import type { Sequence } from '../options.js';
import type { SdkTable } from '../service/client.js';
import type { KeyPart, Table } from '../service/values.js';

/** The shortest TTL of a table. */
export const MIN_TTL_MS = 86_400_000;
const GRACE_MS = 86_400_000;
/** 68 years: with a trusted clock, cells have its time as version, however far from the service's that is. */
const MAX_DEVIATION_SECONDS = 2 ** 31 - 1;
const FOR_EVER = -1;

/** A table name has 255 bytes at most; the suffixes of a library's other tables take five. */
const MAX_NAME_BYTES = 240;
const MAX_KEY_STRING_BYTES = 1024;

export interface TableSchema extends Table {
  /** The service chooses the value of the last key column. */
  readonly isAutoIncrement: boolean;
  /**
   * Widest difference between the version of a cell and the service's time. Undefined: the service's default, a day.
   */
  readonly deviationSeconds: number | undefined;
}

/** The tables of one library. */
export interface Tables {
  readonly entries: TableSchema;
  readonly meta: TableSchema;
  /** Reserved idempotency keys; `undefined` in `cas`, whose entries hold their keys, and in layouts without keys. */
  readonly keys: TableSchema | undefined;
}

export function tablesOf(library: string, sequence: Sequence, layout: Layout): Tables {
  const name = layout.shared ? sharedTableName(library) : tableName(library);
  const schema = (suffix: string, key: readonly KeyColumn[], isAutoIncrement = false): TableSchema => ({
    name: `${name}${suffix}`,
    key,
    isAutoIncrement,
    deviationSeconds: MAX_DEVIATION_SECONDS,
  });
  const idColumns: readonly KeyColumn[] = layout.keyColumns ?? [{ name: 'timeline', type: 'STRING' }];
  const entries = schema('', [...idColumns, { name: layout.sequenceColumn, type: 'INTEGER' }], sequence === 'auto');
  const text = (column: string): KeyColumn => ({ name: column, type: 'STRING' });
  const reservesKeys = sequence !== 'cas' && layout.recoveryTagColumn !== undefined;
  return {
    entries: layout.shared ? { ...entries, deviationSeconds: undefined } : entries,
    meta: schema('_meta', [text('timeline'), text('name')]),
    keys: reservesKeys ? schema('_keys', [text('timeline'), text('key')]) : undefined,
  };
}

/**
 * How much longer the table keeps entries than readers see them. During that time an expired entry can be told from one
 * that never existed, and clocks may differ. 0 for a shared table: its other users count on its exact TTL.
 */
export const graceMs = (layout: Layout): number => (layout.shared ? 0 : GRACE_MS);

/** Seconds that the table of entries keeps a row; -1: for ever. */
export function entrySeconds({ ttlMs }: LibrarySettings, layout: Layout): number {
  return ttlMs === null ? FOR_EVER : Math.ceil(Math.max(ttlMs + graceMs(layout), MIN_TTL_MS) / 1000);
}

/** Seconds that the table of keys keeps a row; -1: for ever. */
export function keySeconds({ keyWindowMs }: LibrarySettings): number {
  return keyWindowMs === null ? FOR_EVER : Math.ceil((keyWindowMs + GRACE_MS) / 1000);
}

/** The library's TTL in milliseconds, from its table of entries; `null`: for ever. */
export function ttlMsOf({ tableOptions: { timeToLive } }: SdkTable, layout: Layout): number | null {
  return timeToLive === FOR_EVER ? null : Math.max(MIN_TTL_MS, timeToLive * 1000 - graceMs(layout));
}

/**
 * The name of a library's table: the library's own letters, digits and single underscores; every other byte as `__` and
 * two hexadecimal digits. No two libraries get the same name, nor that of another library's `_meta` or `_keys`.
 */
export function tableName(library: string): string {
  let name = '';
  for (const byte of Buffer.from(library)) {
    const char = String.fromCharCode(byte);
    const isPlain =
      name === ''
        ? /[A-Za-z]/.test(char)
        : /[A-Za-z0-9]/.test(char) || (char === '_' && !name.endsWith('_') && !endsInEscape(name));
    name += isPlain ? char : `__${byte.toString(16).padStart(2, '0')}`;
  }
  name = name.replace(/_(?=(?:meta|keys)$)/, '__5f');
  if (name.length <= MAX_NAME_BYTES) return name;
  const digest = createHash('sha256').update(library).digest('hex').slice(0, 40);
  return `${name.slice(0, MAX_NAME_BYTES - 48)}__h${digest}`;
}

function endsInEscape(name: string): boolean {
  return /__[0-9a-f]{2}$/.test(name);
}

/** The name of a table that another program uses too is the library's own. */
function sharedTableName(library: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(library) && library.length <= MAX_NAME_BYTES) return library;
  const problem = `must be the name of a table, of letters, digits and _ and at most ${MAX_NAME_BYTES} bytes`;
  throw invalidArgument('name', problem);
}

/**
 * The key columns of a Timeline, without the sequence column.
 *
 * @throws `TIMELINE_INVALID_ARGUMENT` or `TIMELINE_TOO_LARGE` for an id that does not fit into the key columns.
 */
export function timelineKey(layout: Layout, timeline: string): readonly KeyPart[] {
  checkLength(timeline, timeline);
  if (!layout.keyColumns) return [timeline];
  const id = decodeTimelineId(timeline);
  const parts = Array.isArray(id) ? id : [id];
  const columns = layout.keyColumns;
  if (parts.length !== columns.length) {
    throw invalidArgument('timeline', `must have ${columns.length} parts here, not ${parts.length}`, { timeline });
  }
  return columns.map(({ name, type }, i) => {
    const part = parts[i];
    if ((typeof part === 'string') !== (type === 'STRING')) {
      const expected = type === 'STRING' ? 'a string' : 'an integer';
      throw invalidArgument('timeline', `must have ${expected} as its part ${name}`, { timeline });
    }
    if (typeof part !== 'string') return BigInt(part);
    checkLength(part, timeline);
    return part;
  });
}

function checkLength(text: string, timeline: string): void {
  const limit = MAX_KEY_STRING_BYTES;
  if (Buffer.byteLength(text) <= limit) return;
  const message = `the encoded Timeline id is longer than ${limit} bytes`;
  throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'timeline', timeline, limit });
}
