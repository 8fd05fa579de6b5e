import type { KeyCell, Value } from '../values.js';
import {
  crc8,
  HEADER,
  OPERATION_BYTES,
  type Operation,
  PlainBufferError,
  Tag,
  type WireCell,
  type WireRow,
} from './plain-buffer.js';

/**
 * One row with its header. What follows the row checksum is ignored: clients leave stray bytes there.
 * @throws PlainBufferError when the bytes are not a row or a checksum does not match
 */
export function decodeRow(bytes: Uint8Array): WireRow {
  return new Reader(bytes).row();
}

/** A lone value without name or length (SQLVariant): filter operands and search terms. */
export function decodeValue(bytes: Uint8Array): Value {
  return new Reader(bytes).value();
}

const OPERATIONS = new Map(Object.entries(OPERATION_BYTES).map(([name, byte]) => [byte, name as Operation]));

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  row(): WireRow {
    if (this.#bytes.length < 4 || this.#uint32() !== HEADER) throw new PlainBufferError('mismatch header');
    const primaryKey: KeyCell[] = [];
    const cells: WireCell[] = [];
    let crc = 0;
    if (this.#accept(Tag.primaryKey)) {
      while (this.#accept(Tag.cell)) {
        const { name, value, checksum } = this.#cell();
        if (value === undefined) throw new PlainBufferError(`primary key column '${name}' has no value`);
        primaryKey.push({ name, value });
        crc = crc8(crc, [checksum]);
      }
    }
    if (this.#accept(Tag.columns)) {
      while (this.#accept(Tag.cell)) {
        const { checksum, ...cell } = this.#cell();
        cells.push(cell);
        crc = crc8(crc, [checksum]);
      }
    }
    const deleteMarker = this.#accept(Tag.deleteRow);
    if (this.#accept(Tag.extension)) this.#take(this.#uint32());
    crc = crc8(crc, [deleteMarker ? 1 : 0]);
    if (!this.#accept(Tag.rowChecksum)) throw new PlainBufferError('row checksum is missing');
    if (this.#byte() !== crc) throw new PlainBufferError('checksum is mismatch of row');
    return { primaryKey, cells, deleteMarker };
  }

  #cell(): WireCell & { readonly checksum: number } {
    if (!this.#accept(Tag.cellName)) throw new PlainBufferError('cell name is missing');
    const name = this.#take(this.#uint32());
    let value: Value | undefined;
    let operation: Operation | undefined;
    let timestamp: bigint | undefined;
    let crc = crc8(0, name);
    if (this.#accept(Tag.cellValue)) {
      const encoded = this.#take(this.#uint32());
      crc = crc8(crc, encoded);
      value = new Reader(encoded).value();
    }
    // The operation comes before the timestamp on the wire and after it in the checksum.
    let operationByte: number | undefined;
    if (this.#accept(Tag.cellOperation)) {
      operationByte = this.#byte();
      operation = OPERATIONS.get(operationByte);
      if (operation === undefined) throw new PlainBufferError(`unknown cell operation ${operationByte}`);
    }
    if (this.#accept(Tag.cellTimestamp)) {
      const encoded = this.#take(8);
      crc = crc8(crc, encoded);
      timestamp = encoded.readBigInt64LE();
    }
    if (operationByte !== undefined) crc = crc8(crc, [operationByte]);
    if (!this.#accept(Tag.cellChecksum)) throw new PlainBufferError('cell checksum is missing');
    if (this.#byte() !== crc) throw new PlainBufferError(`checksum is mismatch of cell '${name}'`);
    return {
      name: name.toString(),
      ...(value === undefined ? {} : { value }),
      ...(operation === undefined ? {} : { operation }),
      ...(timestamp === undefined ? {} : { timestamp }),
      checksum: crc,
    };
  }

  value(): Value {
    const type = this.#byte();
    switch (type) {
      case 0x00:
        return { type: 'INTEGER', value: this.#take(8).readBigInt64LE() };
      case 0x01:
        return { type: 'DOUBLE', value: this.#take(8).readDoubleLE() };
      case 0x02:
        return { type: 'BOOLEAN', value: this.#byte() !== 0 };
      case 0x03:
        return { type: 'STRING', value: this.#take(this.#uint32()).toString() };
      case 0x07:
        return { type: 'BLOB', value: Uint8Array.from(this.#take(this.#uint32())) };
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
    if (this.#bytes[this.#at] !== tag) return false;
    this.#at++;
    return true;
  }

  #byte(): number {
    return this.#take(1)[0]!;
  }

  #uint32(): number {
    return this.#take(4).readUInt32LE();
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new PlainBufferError('the row ends in the middle of a cell');
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }
}
