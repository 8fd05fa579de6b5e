import { type Cursor, TimelineError } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import { isFollowed } from './conversation-position.js';
import { ByteWriter } from './cursor-bytes.js';
import { type Signer, signCursor, verifyCursor } from './cursor-signature.js';
import type { NameHashes } from './name-hashes.js';
import type { StreamPosition } from './stream-page.js';

const VERSION = 'p2';
const MAX_CURSOR = 4096;

const IS_COMPLETE = 1n;
const HAS_INBOX = 2n;
const IS_INBOX_LAST = 4n;

/** Bytes of the hash of a conversation's name. */
export const NAME_BYTES = 4;
/** Bits of an epoch's tag that go with each position; {@link ClientCursor.check} covers all bits of all of them. */
const EPOCH_MASK = 0xffff;

/** A position in a conversation whose name is hashed. */
export interface HashedPosition {
  readonly hash: string;
  /** The lowest bits of the epoch's tag. */
  readonly epochBits: number;
  /** Without its epoch. */
  readonly position: ConversationPosition;
}

/** A position that a client keeps. Names of conversations that the user has not left are hashed. */
export interface ClientCursor {
  readonly inbox: Cursor | bigint | undefined;
  /** See `StreamPosition`. */
  readonly isInboxLast: boolean;
  readonly isComplete: boolean;
  /** See `LibrarySettings`. */
  readonly life: number;
  /** Of the names and epochs of all hashed positions. */
  readonly check: number;
  readonly hashed: readonly HashedPosition[];
  readonly named: readonly (readonly [conversation: string, position: ConversationPosition])[];
}

export function epochBitsOf(tag: number): number {
  return tag & EPOCH_MASK;
}

export function encodeClientCursor(sign: Signer, hashes: NameHashes, life: number, position: StreamPosition): Cursor {
  const { inbox, conversations, isInboxLast, isComplete } = position;
  const content = new ByteWriter();
  let flags = isComplete ? IS_COMPLETE : 0n;
  if (inbox !== undefined) flags |= HAS_INBOX;
  if (isInboxLast) flags |= IS_INBOX_LAST;
  content.number(flags).epoch(life);
  if (inbox !== undefined) content.cursor(String(inbox));
  const hashed = new ByteWriter();
  const named = new ByteWriter();
  let count = 0;
  let check = 0;
  for (const [name, each] of conversations) {
    // The directory does not list a conversation that the user has left: a hash would not lead to it.
    const hash = each.hasLeft ? undefined : hashes.of(name);
    if (hash === undefined) named.text(name).position(each, 0);
    else {
      const bits = epochBitsOf(each.epoch);
      hashed
        .bytes(Buffer.from(hash, 'latin1'))
        .bytes([bits >> 8, bits & 0xff])
        .position(each, each.epoch);
      check ^= hashes.checkOf(name, each.epoch);
      count++;
    }
  }
  return signCursor(VERSION, sign, content.epoch(check).number(count).append(hashed).append(named));
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but the cursor of a page that was pulled with `after`. */
export function decodeClientCursor(sign: Signer, cursor: string): ClientCursor {
  const expected = `a cursor of this user's pages that were pulled with after ('' begins)`;
  return verifyCursor({ version: VERSION, sign, argument: 'after', expected }, cursor, (content) => {
    const flags = content.number();
    const life = content.epoch();
    const text = flags & HAS_INBOX ? content.cursor() : undefined;
    const check = content.epoch();
    const count = Number(content.number());
    const hashed = Array.from({ length: count }, () => {
      const hash = content.bytes(NAME_BYTES).toString('latin1');
      return { hash, epochBits: content.bytes(2).readUInt16BE(0), position: content.position(0) };
    });
    const named: [string, ConversationPosition][] = [];
    while (!content.isAtEnd) named.push([content.text(), content.position(0)]);
    const inbox = text === undefined || text.includes('.') ? text : BigInt(text);
    const [isComplete, isInboxLast] = [(flags & IS_COMPLETE) !== 0n, (flags & IS_INBOX_LAST) !== 0n];
    return { inbox, isInboxLast, isComplete, life, check, hashed, named };
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
