/** PlainBuffer, the binary form of rows: tags, little-endian numbers, and a CRC-8 per cell and per row. */
import type { KeyCell, Value, ValueType } from '../values.js';

export const HEADER = 0x75;

export const Tag = {
  primaryKey: 0x01,
  columns: 0x02,
  cell: 0x03,
  cellName: 0x04,
  cellValue: 0x05,
  cellOperation: 0x06,
  cellTimestamp: 0x07,
  deleteRow: 0x08,
  rowChecksum: 0x09,
  cellChecksum: 0x0a,
  extension: 0x0b,
} as const;

export type Operation = 'DELETE_ALL' | 'DELETE_ONE' | 'INCREMENT';
export const OPERATION_BYTES: Readonly<Record<Operation, number>> = { DELETE_ALL: 1, DELETE_ONE: 3, INCREMENT: 4 };

export const TYPE_BYTES: Readonly<Record<ValueType, number>> = {
  INTEGER: 0x00,
  DOUBLE: 0x01,
  BOOLEAN: 0x02,
  STRING: 0x03,
  BLOB: 0x07,
  INF_MIN: 0x09,
  INF_MAX: 0x0a,
  AUTO_INCREMENT: 0x0b,
};

/** An attribute cell on the wire: a write may lack the value (deletes) or carry an operation. */
export interface WireCell {
  readonly name: string;
  readonly value?: Value;
  readonly operation?: Operation;
  /** Version, in milliseconds since 1970. */
  readonly timestamp?: bigint;
}

export interface WireRow {
  readonly primaryKey: readonly KeyCell[];
  readonly cells: readonly WireCell[];
  readonly deleteMarker: boolean;
}

export class PlainBufferError extends Error {}

const CRC_TABLE = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (crc << 1) ^ 0x07 : crc << 1;
  return crc & 0xff;
});

/** CRC-8 with polynomial 0x07, continued from `crc`. */
export function crc8(crc: number, bytes: Uint8Array): number {
  return crc8OfRange(crc, bytes, 0, bytes.length);
}

/** Like {@link crc8}, for the bytes from `start` to `end`, exclusive. */
export function crc8OfRange(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let result = crc;
  for (let index = start; index < end; index++) result = CRC_TABLE[result ^ bytes[index]!]!;
  return result;
}

export function crc8Byte(crc: number, byte: number): number {
  return CRC_TABLE[crc ^ byte]!;
}
