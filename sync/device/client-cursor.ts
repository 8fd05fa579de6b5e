import { type Cursor, TimelineError } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import { isFollowed } from './conversation-position.js';
import { ByteWriter } from './cursor-bytes.js';
import { type Signer, signCursor, verifyCursor } from './cursor-signature.js';
import { HASH_BYTES, type NameHashes } from './name-hashes.js';
import type { StreamPosition } from './stream-page.js';

const VERSION = 'p1';
const MAX_CURSOR = 4096;

const IS_COMPLETE = 1n;
const HAS_INBOX = 2n;

/** A position that a client keeps. Names of conversations that the user has not left are hashed. */
export interface ClientCursor {
  readonly inbox: Cursor | bigint | undefined;
  readonly isComplete: boolean;
  readonly hashed: readonly (readonly [hash: string, position: ConversationPosition])[];
  readonly named: readonly (readonly [conversation: string, position: ConversationPosition])[];
}

export function encodeClientCursor(sign: Signer, hashes: NameHashes, position: StreamPosition): Cursor {
  const { inbox, conversations, isComplete } = position;
  const content = new ByteWriter();
  content.number((isComplete ? IS_COMPLETE : 0n) | (inbox === undefined ? 0n : HAS_INBOX));
  if (inbox !== undefined) content.cursor(String(inbox));
  const hashed = new ByteWriter();
  const named = new ByteWriter();
  let count = 0;
  for (const [name, each] of conversations) {
    // The directory does not list a conversation that the user has left: a hash would not lead to it.
    const hash = each.hasLeft ? undefined : hashes.of(name);
    if (hash === undefined) named.text(name).position(each);
    else {
      hashed.bytes(Buffer.from(hash, 'latin1')).position(each);
      count++;
    }
  }
  return signCursor(VERSION, sign, content.number(count).append(hashed).append(named));
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but the cursor of a page that was pulled with `after`. */
export function decodeClientCursor(sign: Signer, cursor: string): ClientCursor {
  const expected = `a cursor of this user's pages that were pulled with after ('' begins)`;
  return verifyCursor({ version: VERSION, sign, argument: 'after', expected }, cursor, (content) => {
    const flags = content.number();
    const text = flags & HAS_INBOX ? content.cursor() : undefined;
    const count = Number(content.number());
    const hashed = Array.from(
      { length: count },
      () => [content.bytes(HASH_BYTES).toString('latin1'), content.position()] as const,
    );
    const named: [string, ConversationPosition][] = [];
    while (!content.isAtEnd) named.push([content.text(), content.position()]);
    const inbox = text === undefined || text.includes('.') ? text : BigInt(text);
    return { inbox, isComplete: (flags & IS_COMPLETE) !== 0n, hashed, named };
  });
}

/** Law Limits: a position with too many conversations belongs into the libraries. */
export function checkClientCursor(cursor: Cursor, { conversations }: StreamPosition): Cursor {
  if (cursor.length <= MAX_CURSOR) return cursor;
  const count = [...conversations.values()].filter(isFollowed).length;
  const advice = 'use a device whose position is stored: pull or subscribe without after';
  const message = `the position in ${count} followed conversations takes ${cursor.length} bytes: ${advice}`;
  throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'after', limit: MAX_CURSOR });
}
