import type { Body } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import type { Column, Layout, NewRow, RowChange, StoredColumn, StoredEntry, StoredRow } from './layout.js';

/** A string or binary column holds 2 MiB; half of that leaves room for an update of an entry that shares its row. */
const MAX_BODY_BYTES = 2 ** 20;
const MAX_COLUMN_BYTES = 2 * 2 ** 20;

/** What `m` keeps of an entry: its kind (text, bytes, deleted), bytes of body, revision, key and hash. */
type Meta = readonly [kind: 't' | 'b' | 'd', length: number, revision: number, key?: string, hash?: string];

/**
 * The adapter's own layout. `b`: the body; where a row holds several entries, their bytes one after another. `m`: what there is to say of
 * the entries in JSON, absent for a single entry without key or change. `t`: the token of the write; its version is the time of the
 * entries, unless `at` says another. `v`: how often the row was changed. `f`: the last id trimmed.
 */
export const nativeLayout: Layout = {
  name: 'native',
  sequenceColumn: 'seq',
  packs: true,
  tokenColumn: 't',
  timeColumn: 'at',
  trimColumn: 'f',
  versionColumn: 'v',
  headColumns: ['at', 'f', 'm', 't', 'v'],
  update: true,
  delete: true,
  timelines: true,
  maxBodyBytes: MAX_BODY_BYTES,
  encode,
  decode,
  change,
};

function encode({ entries, token }: NewRow): Column[] {
  const columns: Column[] = [{ name: 't', value: token }];
  const [only] = entries;
  if (only && entries.length === 1 && only.key === undefined) return [...columns, { name: 'b', value: only.body }];
  return [...columns, ...pack(entries.map((entry) => ({ ...entry, revision: 0 })))];
}

function pack(entries: readonly StoredEntry[]): Column[] {
  const bodies = entries.map(({ body }) => (body === undefined ? new Uint8Array() : body));
  const metas = entries.map(({ body, revision, key, hash }): Meta => {
    const kind = body === undefined ? 'd' : typeof body === 'string' ? 't' : 'b';
    const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    return key === undefined ? [kind, length, revision] : [kind, length, revision, key, hash ?? ''];
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
  const found = new Map(columns.map(({ name, value }) => [name, value]));
  const written = columns.find(({ name }) => name === 't')?.version;
  const [body, meta, trimmed] = [found.get('b'), found.get('m'), found.get('f')];
  const packed = typeof body === 'string' || body instanceof Uint8Array ? body : '';
  return {
    entries: typeof meta === 'string' ? unpack(packed, JSON.parse(meta)) : [{ body: asBody(packed), revision: 0 }],
    at: Number(found.get('at') ?? written ?? 0),
    token: found.get('t') as string | undefined,
    version: Number(found.get('v') ?? 0),
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
    if (metas.length === 1) return { body: asBody(packed), ...rest };
    const bytes =
      packed instanceof Uint8Array ? Buffer.from(packed.buffer, packed.byteOffset + from, length) : Buffer.alloc(0);
    return { body: kind === 't' ? bytes.toString() : asBody(bytes), ...rest };
  });
}

/** What the SDK hands out is a Buffer on memory of its own. */
function asBody(value: Body): Body {
  return typeof value === 'string' ? value : new Uint8Array(value);
}

function change(row: StoredRow, place: number, body: Body | undefined): RowChange {
  const entries = row.entries.map((entry, i) =>
    i === place ? { ...entry, body, revision: entry.revision + 1 } : entry,
  );
  const packed = pack(entries);
  const value = packed[0]?.value;
  if (value instanceof Uint8Array && value.length > MAX_COLUMN_BYTES) {
    const message = `the entry was appended together with others and shares ${MAX_COLUMN_BYTES} bytes with them`;
    throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'message', limit: MAX_COLUMN_BYTES });
  }
  return { put: [...packed, { name: 'v', value: BigInt(row.version + 1) }], remove: [] };
}
