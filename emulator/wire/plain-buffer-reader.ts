import type { KeyCell, Value } from '../values.js';
import {
  crc8Byte,
  crc8OfRange,
  HEADER,
  OPERATION_BYTES,
  type Operation,
  PlainBufferError,
  Tag,
  type WireCell,
  type WireRow,
} from './plain-buffer.js';

/**
 * Decodes one row with its header. Ignores bytes after the row checksum, because clients leave some there.
 * @throws PlainBufferError if the bytes are not a row or a checksum does not match
 */
export function decodeRow(bytes: Uint8Array): WireRow {
  return new Reader(bytes).row();
}

export interface RowSummary {
  readonly primaryKey: readonly KeyCell[];
  /** The largest of its versions; undefined without any. */
  readonly newest: number | undefined;
}

/** Checks a row as {@link decodeRow} does, but does not decode its columns. */
export function summarizeRow(bytes: Uint8Array): RowSummary {
  return new Reader(bytes).summary();
}

/** A lone value without name or length (SQLVariant): filter operands and search terms. */
export function decodeValue(bytes: Uint8Array): Value {
  return new Reader(bytes).value();
}

const OPERATIONS = new Map(Object.entries(OPERATION_BYTES).map(([name, byte]) => [byte, name as Operation]));

/** Reads in place: the parts of a cell are ranges of the row's bytes, not separate views. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  /** Checksum of the cells so far. */
  #rowCrc = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = this.#bytes.length;
  }

  row(): WireRow {
    const primaryKey = this.#key();
    const cells: WireCell[] = [];
    if (this.#accept(Tag.columns)) while (this.#accept(Tag.cell)) cells.push(this.#cell());
    return { primaryKey, cells, deleteMarker: this.#rowEnd() };
  }

  summary(): RowSummary {
    const primaryKey = this.#key();
    let newest: bigint | undefined;
    if (this.#accept(Tag.columns)) {
      while (this.#accept(Tag.cell)) {
        const { timestamp } = this.#cell(false);
        if (timestamp !== undefined && (newest === undefined || timestamp > newest)) newest = timestamp;
      }
    }
    this.#rowEnd();
    return { primaryKey, newest: newest === undefined ? undefined : Number(newest) };
  }

  #key(): KeyCell[] {
    if (this.#end < 4 || this.#uint32() !== HEADER) throw new PlainBufferError('mismatch header');
    const primaryKey: KeyCell[] = [];
    if (!this.#accept(Tag.primaryKey)) return primaryKey;
    while (this.#accept(Tag.cell)) {
      const { name, value } = this.#cell();
      if (value === undefined) throw new PlainBufferError(`primary key column '${name}' has no value`);
      primaryKey.push({ name, value });
    }
    return primaryKey;
  }

  /** True if the row has a delete marker. */
  #rowEnd(): boolean {
    const deleteMarker = this.#accept(Tag.deleteRow);
    if (this.#accept(Tag.extension)) this.#skip(this.#uint32());
    const crc = crc8Byte(this.#rowCrc, deleteMarker ? 1 : 0);
    if (!this.#accept(Tag.rowChecksum)) throw new PlainBufferError('row checksum is missing');
    if (this.#byte() !== crc) throw new PlainBufferError('checksum is mismatch of row');
    return deleteMarker;
  }

  /** Decodes name and value only on demand. */
  #cell(isWanted = true): WireCell {
    if (!this.#accept(Tag.cellName)) throw new PlainBufferError('cell name is missing');
    const nameAt = this.#skip(this.#uint32());
    const nameEnd = this.#at;
    let crc = crc8OfRange(0, this.#bytes, nameAt, nameEnd);
    let value: Value | undefined;
    let operation: Operation | undefined;
    let timestamp: bigint | undefined;
    if (this.#accept(Tag.cellValue)) {
      const valueAt = this.#skip(this.#uint32());
      crc = crc8OfRange(crc, this.#bytes, valueAt, this.#at);
      if (isWanted) value = this.#valueWithin(valueAt);
    }
    // The operation comes before the timestamp on the wire and after it in the checksum.
    let operationByte: number | undefined;
    if (this.#accept(Tag.cellOperation)) {
      operationByte = this.#byte();
      operation = OPERATIONS.get(operationByte);
      if (operation === undefined) throw new PlainBufferError(`unknown cell operation ${operationByte}`);
    }
    if (this.#accept(Tag.cellTimestamp)) {
      const timestampAt = this.#skip(8);
      crc = crc8OfRange(crc, this.#bytes, timestampAt, this.#at);
      timestamp = this.#bytes.readBigInt64LE(timestampAt);
    }
    if (operationByte !== undefined) crc = crc8Byte(crc, operationByte);
    if (!this.#accept(Tag.cellChecksum)) throw new PlainBufferError('cell checksum is missing');
    if (this.#byte() !== crc) {
      throw new PlainBufferError(`checksum is mismatch of cell '${this.#bytes.toString('utf8', nameAt, nameEnd)}'`);
    }
    this.#rowCrc = crc8Byte(this.#rowCrc, crc);
    const name = isWanted ? this.#bytes.toString('utf8', nameAt, nameEnd) : '';
    if (operation !== undefined) {
      return { name, operation, ...(value && { value }), ...(timestamp !== undefined && { timestamp }) };
    }
    if (timestamp === undefined) return value === undefined ? { name } : { name, value };
    return value === undefined ? { name, timestamp } : { name, value, timestamp };
  }

  /** Decodes the value between `start` and the current offset, and does not read beyond. */
  #valueWithin(start: number): Value {
    const [at, end] = [this.#at, this.#end];
    this.#at = start;
    this.#end = at;
    const value = this.value();
    this.#at = at;
    this.#end = end;
    return value;
  }

  value(): Value {
    const type = this.#byte();
    switch (type) {
      case 0x00:
        return { type: 'INTEGER', value: this.#bytes.readBigInt64LE(this.#skip(8)) };
      case 0x01:
        return { type: 'DOUBLE', value: this.#bytes.readDoubleLE(this.#skip(8)) };
      case 0x02:
        return { type: 'BOOLEAN', value: this.#byte() !== 0 };
      case 0x03: {
        const start = this.#skip(this.#uint32());
        return { type: 'STRING', value: this.#bytes.toString('utf8', start, this.#at) };
      }
      case 0x07: {
        const start = this.#skip(this.#uint32());
        return { type: 'BLOB', value: Uint8Array.from(this.#bytes.subarray(start, this.#at)) };
      }
      case 0x09:
        return { type: 'INF_MIN' };
      case 0x0a:
        return { type: 'INF_MAX' };
      case 0x0b:
        return { type: 'AUTO_INCREMENT' };
      default:
        throw new PlainBufferError(`unknown value type ${type}`);
    }
  }

  #accept(tag: number): boolean {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== tag) return false;
    this.#at++;
    return true;
  }

  #byte(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  #uint32(): number {
    return this.#bytes.readUInt32LE(this.#skip(4));
  }

  /** Advances and returns the previous offset. */
  #skip(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) throw new PlainBufferError('the row ends in the middle of a cell');
    this.#at = start + length;
    return start;
  }
}
