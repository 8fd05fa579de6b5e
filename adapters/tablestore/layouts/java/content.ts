import { crc32 } from 'node:zlib';
import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import type { Cell, Column } from '../layout.js';
import { MAX_CELL_BYTES } from './table.js';

const PIECE = /^__content(\d+)$/;
const FIRST_PIECE = 10_000;
const PIECE_BYTES = 1024 * 1024;
const COUNT_COLUMN = '__column_count';
const CHECKSUM_COLUMN = '__crc32';

export const isPiece = (name: string): boolean => PIECE.test(name);

/** The columns of a content: pieces of at most 1 MiB, none for an empty one, their number and the CRC-32 of the whole. */
export function encodeContent(content: Uint8Array): Column[] {
  if (content.length > MAX_CELL_BYTES) {
    throw new TimelineError(
      'TIMELINE_TOO_LARGE',
      `a content of ${content.length} bytes is larger than the ${MAX_CELL_BYTES} that Java reads`,
      {
        argument: 'message',
        limit: MAX_CELL_BYTES,
      },
    );
  }
  const pieces: Column[] = [];
  for (let from = 0; from < content.length; from += PIECE_BYTES) {
    pieces.push({ name: `__content${FIRST_PIECE + pieces.length}`, value: content.subarray(from, from + PIECE_BYTES) });
  }
  return [
    ...pieces,
    { name: COUNT_COLUMN, value: BigInt(pieces.length) },
    { name: CHECKSUM_COLUMN, value: BigInt(crc32(content)) },
  ];
}

export const NO_CONTENT: readonly Column[] = encodeContent(new Uint8Array());

/**
 * The content of a row. Pieces beyond the count are left from a longer content and not read. `TIMELINE_DECODE` where one is
 * missing, is no bytes, or the checksum differs; what the row does not say, count or checksum, is not checked.
 */
export function decodeContent(columns: ReadonlyMap<string, Cell>): Uint8Array {
  const count = columns.get(COUNT_COLUMN);
  const found = [...columns.keys()].filter(isPiece).length;
  const pieces: Uint8Array[] = [];
  for (let place = 0; place < (typeof count === 'bigint' ? count : found); place++) {
    const name = `__content${FIRST_PIECE + place}`;
    const piece = columns.get(name);
    if (!(piece instanceof Uint8Array)) throw broken(`the piece ${name} is missing`);
    pieces.push(piece);
  }
  const content = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  const checksum = columns.get(CHECKSUM_COLUMN);
  if (checksum !== undefined && checksum !== BigInt(crc32(content))) {
    throw broken(`its CRC-32 is ${crc32(content)}, and the row says ${checksum}`);
  }
  return content;
}

function broken(problem: string): TimelineError {
  return new TimelineError('TIMELINE_DECODE', `a content is broken: ${problem}`);
}

export function bytesOf(body: Body, kind: 'text' | 'bytes'): Uint8Array {
  if (typeof body === 'string' && kind === 'text') return Buffer.from(body);
  if (typeof body !== 'string' && kind === 'bytes') return body;
  throw invalidArgument('message', `must be encoded to ${kind}: it would be read back as that; see layout.content`);
}

export function textOf(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new TimelineError('TIMELINE_DECODE', "a content is not UTF-8; layout.content: 'bytes' reads such", { cause });
  }
}
