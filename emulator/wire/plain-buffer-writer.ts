import type { KeyCell, Value } from '../values.js';
import {
  crc8Byte,
  crc8OfRange,
  HEADER,
  OPERATION_BYTES,
  Tag,
  TYPE_BYTES,
  type WireCell,
  type WireRow,
} from './plain-buffer.js';

/** Encodes rows back to back under one header; returns no bytes for no rows. */
export function encodeRows(rows: readonly Partial<WireRow>[]): Buffer {
  const writer = new Writer();
  if (rows.length > 0) writer.uint32(HEADER);
  for (const row of rows) writer.row(row);
  return writer.finish();
}

export function encodeRow(row: Partial<WireRow>): Buffer {
  return encodeRows([row]);
}

export function encodeKey(primaryKey: readonly KeyCell[]): Buffer {
  return encodeRow({ primaryKey });
}

/** Encodes a single value: type byte and payload, without a length prefix. */
export function encodeValue(value: Value): Buffer {
  const writer = new Writer();
  writer.value(value);
  return writer.finish();
}

class Writer {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  row({ primaryKey = [], cells = [], deleteMarker = false }: Partial<WireRow>): void {
    let crc = this.#cells(0, Tag.primaryKey, primaryKey);
    crc = this.#cells(crc, Tag.columns, cells);
    if (deleteMarker) this.#byte(Tag.deleteRow);
    this.#byte(Tag.rowChecksum);
    this.#byte(crc8Byte(crc, deleteMarker ? 1 : 0));
  }

  value(value: Value): void {
    this.#byte(TYPE_BYTES[value.type]);
    switch (value.type) {
      case 'INTEGER':
        this.#int64(value.value);
        break;
      case 'DOUBLE':
        this.#length = this.#reserve(8).writeDoubleLE(value.value, this.#length);
        break;
      case 'BOOLEAN':
        this.#byte(value.value ? 1 : 0);
        break;
      case 'STRING':
        this.#text(value.value);
        break;
      case 'BLOB':
        this.uint32(value.value.length);
        this.#reserve(value.value.length).set(value.value, this.#length);
        this.#length += value.value.length;
        break;
    }
  }

  uint32(value: number): void {
    this.#length = this.#reserve(4).writeUInt32LE(value, this.#length);
  }

  #cells(crc: number, tag: number, cells: readonly WireCell[]): number {
    if (cells.length === 0) return crc;
    this.#byte(tag);
    return cells.reduce((sum, cell) => crc8Byte(sum, this.#cell(cell)), crc);
  }

  #cell({ name, value, operation, timestamp }: WireCell): number {
    this.#byte(Tag.cell);
    this.#byte(Tag.cellName);
    const nameStart = this.#length + 4;
    this.#text(name);
    let crc = this.#crcSince(nameStart, 0);
    if (value !== undefined) {
      this.#byte(Tag.cellValue);
      const lengthAt = this.#length;
      this.uint32(0);
      this.value(value);
      this.#bytes.writeUInt32LE(this.#length - lengthAt - 4, lengthAt);
      crc = this.#crcSince(lengthAt + 4, crc);
    }
    if (operation !== undefined) {
      this.#byte(Tag.cellOperation);
      this.#byte(OPERATION_BYTES[operation]);
    }
    if (timestamp !== undefined) {
      this.#byte(Tag.cellTimestamp);
      this.#int64(timestamp);
      crc = this.#crcSince(this.#length - 8, crc);
    }
    if (operation !== undefined) crc = crc8Byte(crc, OPERATION_BYTES[operation]);
    this.#byte(Tag.cellChecksum);
    this.#byte(crc);
    return crc;
  }

  #crcSince(start: number, crc: number): number {
    return crc8OfRange(crc, this.#bytes, start, this.#length);
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text);
    this.uint32(length);
    this.#length += this.#reserve(length).write(text, this.#length);
  }

  #int64(value: bigint): void {
    this.#length = this.#reserve(8).writeBigInt64LE(value, this.#length);
  }

  #byte(value: number): void {
    this.#reserve(1)[this.#length++] = value;
  }

  #reserve(more: number): Buffer {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
