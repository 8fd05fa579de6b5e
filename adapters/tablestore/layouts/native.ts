import type { Body } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import type { Column, Layout, NewEntry, RowChange, StoredColumn, StoredEntry, StoredRow } from './layout.js';

/** Half of what a column holds leaves room for updates of entries that share a row. */
const MAX_BODY_BYTES = 2 ** 20;
const MAX_COLUMN_BYTES = 2 * 2 ** 20;

/** An entry in column `m`: text, bytes or deleted, bytes of its body, revision, key and hash. */
type Meta = readonly [kind: 't' | 'b' | 'd', length: number, revision: number, key?: string, hash?: string];

/**
 * The adapter's own layout.
 *
 * - `b`: the body; several entries have their bytes one after another.
 * - `m`: one {@link Meta} for each entry, as JSON. A single entry without a key or a change has none.
 * - `t`: the recovery tag. The version of its cell is the time of the entries, unless there is `at`.
 * - `v`: how often the row was changed.
 * - `c`: the tags of its last changes, the newest first.
 * - `f`: the last id trimmed.
 */
export const nativeLayout: Layout = {
  name: 'native',
  shared: false,
  sequenceColumn: 'seq',
  recoveryTagColumn: 't',
  timeColumn: 'at',
  trimColumn: 'f',
  changeCountColumn: 'v',
  changeTagsColumn: 'c',

  headColumns: ['at', 'f', 'm', 't', 'v'],
  maxBodyBytes: MAX_BODY_BYTES,
  recoveryTagOf: (token) => token,
  encode,
  decode,
  change,
};

function encode(entries: readonly NewEntry[], recoveryTag: string): Column[] {
  const tag = { name: 't', value: recoveryTag };
  const [only] = entries;
  if (only && entries.length === 1 && only.key === undefined) return [tag, { name: 'b', value: only.body }];
  return [tag, ...pack(entries.map((entry) => ({ ...entry, revision: 0 })))];
}

function pack(entries: readonly StoredEntry[]): Column[] {
  const bodies = entries.map(({ body = new Uint8Array() }) => body);
  const metas = entries.map(({ body, revision, key, hash = '' }, i): Meta => {
    const kind = body === undefined ? 'd' : typeof body === 'string' ? 't' : 'b';
    const length = Buffer.byteLength(bodies[i] as Body);
    return key === undefined ? [kind, length, revision] : [kind, length, revision, key, hash];
  });
  const [only] = bodies;
  const value = only !== undefined && bodies.length === 1 ? only : Buffer.concat(bodies.map(toBytes));
  return [
    { name: 'b', value },
    { name: 'm', value: JSON.stringify(metas) },
  ];
}

function toBytes(body: Body): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

function decode(columns: readonly StoredColumn[]): StoredRow {
  const cells = new Map(columns.map(({ name, value }) => [name, value]));
  const writtenAt = columns.find(({ name }) => name === 't')?.version;
  const [body, meta, trimmed] = [cells.get('b'), cells.get('m'), cells.get('f')];
  const packed = typeof body === 'string' || body instanceof Uint8Array ? body : '';
  return {
    entries: typeof meta === 'string' ? unpack(packed, JSON.parse(meta)) : [{ body: copyOf(packed), revision: 0 }],
    at: Number(cells.get('at') ?? writtenAt ?? 0),
    recoveryTag: cells.get('t') as string | undefined,
    changeCount: Number(cells.get('v') ?? 0),
    trimmedThrough: typeof trimmed === 'bigint' ? trimmed : undefined,
  };
}

function unpack(packed: Body, metas: readonly Meta[]): StoredEntry[] {
  let offset = 0;
  return metas.map(([kind, length, revision, key, hash]) => {
    const from = offset;
    offset += length;
    const rest = key === undefined ? { revision } : { revision, key, hash };
    if (kind === 'd') return { body: undefined, ...rest };
    if (metas.length === 1) return { body: copyOf(packed), ...rest };
    const bytes =
      packed instanceof Uint8Array ? Buffer.from(packed.buffer, packed.byteOffset + from, length) : Buffer.alloc(0);
    return { body: kind === 't' ? bytes.toString() : copyOf(bytes), ...rest };
  });
}

/** The SDK's Buffers share memory with its answer. */
function copyOf(value: Body): Body {
  return typeof value === 'string' ? value : new Uint8Array(value);
}

function change(row: StoredRow, index: number, body: Body | undefined): RowChange {
  const packed = pack(
    row.entries.map((entry, i) => (i === index ? { ...entry, body, revision: entry.revision + 1 } : entry)),
  );
  const value = packed[0]?.value;
  if (value instanceof Uint8Array && value.length > MAX_COLUMN_BYTES) {
    const message = `the entry was appended together with others and shares ${MAX_COLUMN_BYTES} bytes with them`;
    throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'message', limit: MAX_COLUMN_BYTES });
  }
  return { put: [...packed, { name: 'v', value: BigInt(row.changeCount + 1) }], remove: [] };
}
