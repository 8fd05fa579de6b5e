/** Values of primary key and attribute columns: order, size, and address in a sorted table. */
export type Value =
  | { readonly type: 'INTEGER'; readonly value: bigint }
  | { readonly type: 'DOUBLE'; readonly value: number }
  | { readonly type: 'BOOLEAN'; readonly value: boolean }
  | { readonly type: 'STRING'; readonly value: string }
  | { readonly type: 'BLOB'; readonly value: Uint8Array }
  | { readonly type: 'INF_MIN' | 'INF_MAX' | 'AUTO_INCREMENT'; readonly value?: never };

export type ValueType = Value['type'];

/** A column of a primary key. */
export interface KeyCell {
  readonly name: string;
  readonly value: Value;
}

/** Returns the bytes that the service counts for a value; callers add those of names. */
export function sizeOf(value: Value): number {
  switch (value.type) {
    case 'STRING':
      return Buffer.byteLength(value.value);
    case 'BLOB':
      return value.value.length;
    case 'BOOLEAN':
      return 1;
    default:
      return 8;
  }
}

/** Compares strings by their UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const surrogates = /[\ud800-\udfff]/;
  // UTF-16 order differs from UTF-8 order only where surrogate pairs are involved.
  if (surrogates.test(a) || surrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/** Compares two values of one type; returns undefined for different types, which have no order. */
export function compareValues(a: Value, b: Value): number | undefined {
  if (a.type === 'STRING' && b.type === 'STRING') return compareText(a.value, b.value);
  if (a.type === 'BLOB' && b.type === 'BLOB') return Buffer.compare(a.value, b.value);
  if (a.type !== b.type || a.value === undefined || b.value === undefined) return undefined;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** Sortable form of a primary key: rows of one partition key share `partition`, and `<` orders both parts as keys. */
export interface Address {
  readonly partition: string;
  readonly row: string;
}

export function addressOf(primaryKey: readonly KeyCell[]): Address {
  const [first, ...rest] = primaryKey.map((cell) => sortable(cell.value));
  return { partition: first ?? '', row: rest.join('') };
}

const SMALLEST = '\x00';
const PRESENT = '\x01';
const LARGEST = '\x02';
const END = '\x00\x00';

function sortable(value: Value): string {
  switch (value.type) {
    case 'INF_MIN':
      return SMALLEST;
    case 'INTEGER': {
      const unsigned = BigInt.asUintN(64, value.value) ^ 0x8000_0000_0000_0000n;
      const unit = (shift: bigint) => Number((unsigned >> shift) & 0xffffn);
      return PRESENT + String.fromCharCode(unit(48n), unit(32n), unit(16n), unit(0n));
    }
    case 'STRING':
      return sortableBytes(Buffer.from(value.value));
    case 'BLOB':
      return sortableBytes(Buffer.from(value.value));
    default:
      return LARGEST;
  }
}

/** Keeps a zero byte above the end mark; otherwise 'a\0' would sort before 'a'. */
function sortableBytes(bytes: Buffer): string {
  return PRESENT + bytes.toString('latin1').replaceAll('\x00', '\x00\x01') + END;
}
