import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { crc32 } from 'node:zlib';
import type { Body } from '../../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../../src/errors.js';
import { describeValue } from '../../../../src/text.js';
import type { Cell, Column, Layout, NewEntry } from '../layout.js';
import { parseBase64, parseObject } from './fields.js';
import {
  CHANGE_COUNT_COLUMN,
  changeColumns,
  columnsToRemove,
  type JavaRow,
  type JavaTable,
  type JavaTableOptions,
  lazyEntry,
  MAX_CELL_BYTES,
  MAX_COLUMNS,
  resolveTable,
  splitRow,
  TIME_COLUMN,
  TRIM_COLUMN,
} from './table.js';

/** Options of `layout: { type: 'java-v1' }`. */
export interface JavaV1Options extends JavaTableOptions {
  /** Type of a content: UTF-8 text, as in Java's `StringMessage`, or bytes. Default `'text'`. */
  readonly content?: 'text' | 'bytes' | undefined;
  /**
   * `true`: a message is `{ content, attributes }`, encoded as JSON, with `content` in base64 if it is bytes. Default:
   * a message is its content, and attributes stay as Java wrote them.
   */
  readonly attributes?: boolean | undefined;
}

/** A message with its attributes, under `attributes: true`. */
export interface JavaV1Message {
  /** Text, or base64 under `content: 'bytes'`. */
  readonly content: string;
  /** Names do not begin with `__`; values are not empty. */
  readonly attributes?: Readonly<Record<string, string>>;
}

const MESSAGE_ID_COLUMN = '__message_id';
/** Ids that the Java library generates: process, address and a number. They are not idempotency keys. */
const GENERATED_ID = /^\d+@[\w.:-]+:\d+$/;

/**
 * Rows of version 1 of the Java library's Timeline: the content in pieces, their number and checksum, a message id and
 * attributes.
 */
export function javaV1Layout(options: JavaV1Options = {}): Layout {
  const { content = 'text', attributes = false } = options;
  if (content !== 'text' && content !== 'bytes') throw invalidArgument('layout.content', "must be 'text' or 'bytes'");
  const table = resolveTable(options);
  const nextMessageId = messageIds();

  function encode(body: Body): Column[] {
    if (!attributes) return encodeContent(bytesOf(body, content));
    const message = encodeMessage(body, content, table);
    return [...encodeContent(message.content), ...message.attributes];
  }

  function decode(own: ReadonlyMap<string, Cell>): Body {
    const bytes = decodeContent(own);
    if (attributes) return decodeMessage(bytes, content, own);
    return content === 'bytes' ? bytes : textOf(bytes);
  }

  return {
    name: 'java-v1',
    keyColumns: table.keyColumns,
    sequenceColumn: table.sequenceColumn,
    packs: false,
    shared: true,
    recoveryTagColumn: MESSAGE_ID_COLUMN,
    recoveryTagOf: (key) => key ?? nextMessageId(),
    timeColumn: TIME_COLUMN,
    trimColumn: TRIM_COLUMN,
    changeCountColumn: CHANGE_COUNT_COLUMN,
    update: true,
    delete: true,
    timelines: false,
    maxBodyBytes: MAX_CELL_BYTES,
    encode: ({ entries, recoveryTag }) => [
      ...encode((entries[0] as NewEntry).body),
      { name: MESSAGE_ID_COLUMN, value: recoveryTag },
    ],
    decode(columns, rowId): JavaRow {
      const { own, deleted, ...row } = splitRow(columns);
      const id = own.get(MESSAGE_ID_COLUMN);
      const recoveryTag = typeof id === 'string' ? id : undefined;
      const key = recoveryTag === undefined || GENERATED_ID.test(recoveryTag) ? undefined : recoveryTag;
      const entry = lazyEntry(rowId, row.changeCount, key, () => (deleted ? undefined : decode(own)));
      return { ...row, recoveryTag, entries: [entry] };
    },
    change(row: JavaRow, _index, body) {
      const columns = body === undefined ? NO_CONTENT : encode(body);
      const isAttribute = (name: string) => !name.startsWith('__');
      const kept = (name: string) => !isPiece(name) && !(isAttribute(name) && (attributes || body === undefined));
      return {
        put: [...columns, ...changeColumns(row, body === undefined)],
        remove: columnsToRemove(row, columns, kept),
      };
    },
  };
}

/** Ids like Java's, from a random start: two processes may have the same number and address. */
function messageIds(): () => string {
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  let counter = randomBytes(6).readUIntBE(0, 6);
  return () => `${process.pid}@${address ?? '127.0.0.1'}:${counter++}`;
}

function encodeMessage(
  body: Body,
  kind: 'text' | 'bytes',
  table: JavaTable,
): { content: Uint8Array; attributes: Column[] } {
  const { content, attributes = {}, ...others } = parseObject(body) as Partial<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw invalidArgument('message', `has a field ${describeValue(other)} beside content and attributes`);
  const bytes = typeof content !== 'string' ? undefined : kind === 'text' ? Buffer.from(content) : parseBase64(content);
  if (bytes === undefined)
    throw invalidArgument('message.content', `must be ${kind === 'text' ? 'a string' : 'base64'}`);
  if (typeof attributes !== 'object' || attributes === null)
    throw invalidArgument('message.attributes', 'must be an object');
  const columns = Object.entries(attributes).map(([name, value]: [string, unknown]) => {
    table.checkName(name, `the attribute ${describeValue(name)}`);
    if (name.startsWith('__'))
      throw invalidArgument('message.attributes', `must not begin with __, as ${describeValue(name)} does`);
    if (typeof value !== 'string' || value === '') {
      throw invalidArgument(
        'message.attributes',
        `must be strings and not empty; ${describeValue(name)} is ${describeValue(value)}`,
      );
    }
    return { name, value };
  });
  if (columns.length > MAX_COLUMNS) throw invalidArgument('message.attributes', `must be at most ${MAX_COLUMNS}`);
  return { content: bytes, attributes: columns };
}

function decodeMessage(content: Uint8Array, kind: 'text' | 'bytes', columns: ReadonlyMap<string, Cell>): string {
  const attributes = [...columns].filter(([name]) => !name.startsWith('__'));
  for (const [name, value] of attributes) {
    if (typeof value !== 'string')
      throw new TimelineError('TIMELINE_DECODE', `the attribute ${describeValue(name)} is no string`);
  }
  const message = { content: kind === 'text' ? textOf(content) : Buffer.from(content).toString('base64') };
  return JSON.stringify(attributes.length === 0 ? message : { ...message, attributes: Object.fromEntries(attributes) });
}

const PIECE = /^__content(\d+)$/;
const FIRST_PIECE = 10_000;
const PIECE_BYTES = 1024 * 1024;
const COUNT_COLUMN = '__column_count';
const CHECKSUM_COLUMN = '__crc32';

const isPiece = (name: string): boolean => PIECE.test(name);

/**
 * The columns of a content: pieces of at most 1 MiB (none if it is empty), their number, and the CRC-32 of the whole.
 */
function encodeContent(content: Uint8Array): Column[] {
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

const NO_CONTENT: readonly Column[] = encodeContent(new Uint8Array());

/**
 * The content of a row. Pieces beyond the count are left over from a longer content and are not read. A row without
 * count or checksum is not checked for it.
 *
 * @throws `TIMELINE_DECODE` if a piece is missing or not bytes, or the checksum differs.
 */
function decodeContent(columns: ReadonlyMap<string, Cell>): Uint8Array {
  const count = columns.get(COUNT_COLUMN);
  const found = [...columns.keys()].filter(isPiece).length;
  const pieces: Uint8Array[] = [];
  for (let index = 0; index < (typeof count === 'bigint' ? count : found); index++) {
    const name = `__content${FIRST_PIECE + index}`;
    const piece = columns.get(name);
    if (!(piece instanceof Uint8Array)) throw brokenContent(`the piece ${name} is missing`);
    pieces.push(piece);
  }
  const content = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  const checksum = columns.get(CHECKSUM_COLUMN);
  if (checksum !== undefined && checksum !== BigInt(crc32(content))) {
    throw brokenContent(`its CRC-32 is ${crc32(content)}, and the row says ${checksum}`);
  }
  return content;
}

function brokenContent(problem: string): TimelineError {
  return new TimelineError('TIMELINE_DECODE', `a content is broken: ${problem}`);
}

function bytesOf(body: Body, kind: 'text' | 'bytes'): Uint8Array {
  if (typeof body === 'string' && kind === 'text') return Buffer.from(body);
  if (typeof body !== 'string' && kind === 'bytes') return body;
  throw invalidArgument('message', `must be encoded to ${kind}: it would be read back as that; see layout.content`);
}

function textOf(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new TimelineError('TIMELINE_DECODE', "a content is not UTF-8; layout.content: 'bytes' reads such", { cause });
  }
}
