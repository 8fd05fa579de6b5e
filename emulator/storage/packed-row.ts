/**
 * Compact form of stored rows. As objects, a row of 250 bytes takes about 3 KB, and a table of a gigabyte does not fit
 * into Node's default heap. As PlainBuffer bytes in a one-byte string it takes little more than its data.
 */
import type { Address } from '../values.js';
import { decodeRow } from '../wire/plain-buffer-reader.js';
import { encodeRow } from '../wire/plain-buffer-writer.js';
import { cellsOf, type Row, rowOfCells, type StoredRow } from './row.js';

export class PackedRow implements StoredRow {
  readonly #partition: string;
  readonly #row: string;
  readonly #bytes: string;

  constructor(
    { partition, row }: Address,
    bytes: Buffer,
    readonly writtenAt: number,
    readonly newest: number,
  ) {
    this.#partition = partition;
    this.#row = row;
    this.#bytes = bytes.toString('latin1');
  }

  get address(): Address {
    return { partition: this.#partition, row: this.#row };
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** PlainBuffer, with primary key and versions. */
  get bytes(): Buffer {
    return Buffer.from(this.#bytes, 'latin1');
  }

  unpack(): Row {
    const { primaryKey, cells } = decodeRow(this.bytes);
    return rowOfCells(this.address, primaryKey, cells, this.writtenAt);
  }
}

/** Packs a row; `partition` is the string that all rows of a partition share. */
export function packed(row: StoredRow, partition: string): PackedRow {
  if (row instanceof PackedRow) return row;
  const { address, primaryKey, writtenAt, newest } = row.unpack();
  const bytes = encodeRow({ primaryKey, cells: cellsOf(row.unpack()) });
  return new PackedRow({ partition, row: address.row }, bytes, writtenAt, newest);
}
