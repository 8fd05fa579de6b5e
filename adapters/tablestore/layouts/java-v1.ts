import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { crc32 } from 'node:zlib';
import type { Body } from '../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { checkFields, type OptionNames } from '../../../src/options.js';
import { describeValue } from '../../../src/text.js';
import {
  type JavaColumns,
  type JavaTable,
  type JavaTableOptions,
  javaLayout,
  MAX_CELL_BYTES,
  MAX_COLUMNS,
  parseBase64,
  parseObject,
  resolveTable,
  toBase64,
} from './java.js';
import type { Column, Layout } from './layout.js';

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

const isAttribute = (name: string): boolean => !name.startsWith('__');

const NAMES: OptionNames<JavaV1Options & { readonly type: 'java-v1' }> = {
  ...{ type: true, content: true, attributes: true, keyColumns: true, sequenceColumn: true },
};

/**
 * Rows of version 1 of the Java library's Timeline: the content in pieces, their number and checksum, a message id and
 * attributes.
 */
export function javaV1Layout(given?: JavaV1Options): Layout {
  const options = given ? checkFields(given, NAMES, 'layout') : {};
  const { content = 'text', attributes = false } = options;
  if (content !== 'text' && content !== 'bytes') throw invalidArgument('layout.content', "must be 'text' or 'bytes'");
  const table = resolveTable(options);
  const nextMessageId = messageIds();
  return javaLayout(table, {
    name: 'java-v1',
    recoveryTagColumn: MESSAGE_ID_COLUMN,
    recoveryTagOf: (_token, key) => key ?? nextMessageId(),
    keyOf: (messageId) => (messageId === undefined || GENERATED_ID.test(messageId) ? undefined : messageId),
    encode({ body }, messageId) {
      const columns = attributes ? encodeMessage(body, content, table) : encodeContent(bytesOf(body, content));
      return messageId === undefined ? columns : [...columns, { name: MESSAGE_ID_COLUMN, value: messageId }];
    },
    decode(columns) {
      const bytes = decodeContent(columns);
      if (attributes) return decodeMessage(bytes, content, columns);
      return content === 'bytes' ? bytes : textOf(bytes);
    },
    deleted: encodeContent(new Uint8Array()),
    isKept: (name, isDeletion) => !isPiece(name) && !(isAttribute(name) && (attributes || isDeletion)),
  });
}

/** Ids like Java's, from a random start: two processes may have the same number and address. */
function messageIds(): () => string {
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  let counter = randomBytes(6).readUIntBE(0, 6);
  return () => `${process.pid}@${address ?? '127.0.0.1'}:${counter++}`;
}

function encodeMessage(body: Body, kind: 'text' | 'bytes', table: JavaTable): Column[] {
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
    if (!isAttribute(name))
      throw invalidArgument('message.attributes', `must not begin with __, as ${describeValue(name)} does`);
    if (typeof value === 'string' && value !== '') return { name, value };
    const problem = `must be strings and not empty; ${describeValue(name)} is ${describeValue(value)}`;
    throw invalidArgument('message.attributes', problem);
  });
  if (columns.length > MAX_COLUMNS) throw invalidArgument('message.attributes', `must be at most ${MAX_COLUMNS}`);
  return [...encodeContent(bytes), ...columns];
}

function decodeMessage(content: Uint8Array, kind: 'text' | 'bytes', columns: JavaColumns): string {
  const attributes = [...columns].filter(([name]) => isAttribute(name));
  for (const [name, value] of attributes) {
    if (typeof value !== 'string')
      throw new TimelineError('TIMELINE_DECODE', `the attribute ${describeValue(name)} is no string`);
  }
  const message = { content: kind === 'text' ? textOf(content) : toBase64(content) };
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
  const limit = MAX_CELL_BYTES;
  if (content.length > limit) {
    const message = `a content of ${content.length} bytes is larger than the ${limit} that Java reads`;
    throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'message', limit });
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

/**
 * The content of a row. Pieces beyond the count are left over from a longer content and are not read. A row without
 * count or checksum is not checked for it.
 *
 * @throws `TIMELINE_DECODE` if a piece is missing or not bytes, or the checksum differs.
 */
function decodeContent(columns: JavaColumns): Uint8Array {
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
