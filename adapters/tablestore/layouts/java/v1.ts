import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { Body } from '../../../../src/adapter.js';
import { invalidArgument } from '../../../../src/errors.js';
import type { Cell, Column, Layout, NewEntry } from '../layout.js';
import { bytesOf, decodeContent, encodeContent, isPiece, NO_CONTENT, textOf } from './content.js';
import { decodeMessage, encodeMessage } from './message.js';
import {
  entryOf,
  type JavaRow,
  type JavaTableOptions,
  MAX_CELL_BYTES,
  outdated,
  resolveTable,
  splitRow,
  stateOf,
  TIME_COLUMN,
  TRIM_COLUMN,
  VERSION_COLUMN,
} from './table.js';

export interface JavaV1Options extends JavaTableOptions {
  /** What a content is to readers: text in UTF-8, as Java's `StringMessage` has it, or bytes. Default `'text'`. */
  readonly content?: 'text' | 'bytes' | undefined;
  /**
   * `true`: a message is `{ content, attributes }`, encoded as JSON, with `content` in base64 if it is bytes. Default: a
   * message is its content, and attributes stay as Java wrote them.
   */
  readonly attributes?: boolean | undefined;
}

const MESSAGE_ID_COLUMN = '__message_id';
/** Ids that the library made up by itself: process, address and a number. They are no keys. */
const MADE_UP = /^\d+@[\w.:-]+:\d+$/;

/** Rows of the Java library's Timeline version 1: the content in pieces, their number and checksum, a message id, attributes. */
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
    tokenColumn: MESSAGE_ID_COLUMN,
    tokenOf: (key) => key ?? nextMessageId(),
    timeColumn: TIME_COLUMN,
    trimColumn: TRIM_COLUMN,
    versionColumn: VERSION_COLUMN,
    update: true,
    delete: true,
    timelines: false,
    maxBodyBytes: MAX_CELL_BYTES,
    encode: ({ entries, token }) => [
      ...encode((entries[0] as NewEntry).body),
      { name: MESSAGE_ID_COLUMN, value: token },
    ],
    decode(columns, seqId): JavaRow {
      const { own, deleted, ...row } = splitRow(columns);
      const id = own.get(MESSAGE_ID_COLUMN);
      const token = typeof id === 'string' ? id : undefined;
      const key = token === undefined || MADE_UP.test(token) ? undefined : token;
      return { ...row, token, entries: [entryOf(seqId, row.version, key, () => (deleted ? undefined : decode(own)))] };
    },
    change(row: JavaRow, _place, body) {
      const columns = body === undefined ? NO_CONTENT : encode(body);
      const isAttribute = (name: string) => !name.startsWith('__');
      const kept = (name: string) => !isPiece(name) && !(isAttribute(name) && (attributes || body === undefined));
      return { put: [...columns, ...stateOf(row, body === undefined)], remove: outdated(row, columns, kept) };
    },
  };
}

/** As Java numbers its messages, but beginning anywhere, so that no two processes of one name and address meet. */
function messageIds(): () => string {
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  let counter = randomBytes(6).readUIntBE(0, 6);
  return () => `${process.pid}@${address ?? '127.0.0.1'}:${counter++}`;
}
