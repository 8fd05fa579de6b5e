import type { Cursor } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import { type ByteReader, ByteWriter, sizeOfPosition } from './cursor-bytes.js';
import { type Signer, signCursor, signedOverhead, verifyCursor } from './cursor-signature.js';
import { HASH_BYTES, type NameHashes } from './name-hashes.js';

const VERSION = 's4';
/** Bytes of a cursor. */
const MAX_CURSOR = 200;

const IS_COMPLETE = 1n;
const RESYNCED = 2n;
const HAS_INBOX = 4n;
const HAS_RECORD = 8n;
const HAS_EPOCH = 16n;

/** The first `count` changes of a page record, and all that its chain holds before them. */
export interface RecordedChanges {
  readonly seqId: bigint;
  /** Random; tells the record from one with the same SeqId that another epoch has. */
  readonly tag: number;
  readonly count: number;
}

/** A conversation in a cursor: its name, or the hash of a name in the device's log or in the cursor's page records. */
export type ConversationRef = { readonly name: string } | { readonly hash: string };

/** The content of a cursor: what acknowledging it adds to the acknowledged position. */
export interface DeviceCursor {
  /** Each resync begins a new generation of the device's state. */
  readonly generation: number;
  /** SeqId of the last record of the device's log that it takes into account. */
  readonly base: bigint;
  readonly inbox?: Cursor | undefined;
  /** See `StreamPosition`. */
  readonly isComplete: boolean;
  /** The page told the device of its resync. */
  readonly resynced: boolean;
  readonly recorded?: RecordedChanges | undefined;
  /** Tag of the epoch of most conversations in the cursor. */
  readonly usualEpoch: number;
  /** Changes after the recorded ones. */
  readonly conversations: Iterable<readonly [ConversationRef, ConversationPosition]>;
}

/** Bytes of content that fit into a cursor. */
export const MAX_CONTENT = Math.floor(((MAX_CURSOR - signedOverhead(VERSION)) * 3) / 4);

export function encodeDeviceCursor(sign: Signer, cursor: DeviceCursor): Cursor {
  return signCursor(VERSION, sign, contentOf(cursor));
}

/** Bytes of the content of a cursor. */
export function sizeOfCursor(cursor: DeviceCursor): number {
  return contentOf(cursor).length;
}

/** Bytes that a conversation takes in the content of a cursor. */
export function sizeOfChange(ref: ConversationRef, position: ConversationPosition, usualEpoch: number): number {
  return sizeOfRef(ref) + sizeOfPosition(position, usualEpoch);
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but a cursor of this device. */
export function decodeDeviceCursor(sign: Signer, cursor: unknown): DeviceCursor {
  const expected = 'a cursor that this device may acknowledge';
  return verifyCursor({ version: VERSION, sign, argument: 'cursor', expected }, cursor, (content) => {
    const flags = content.number();
    const generation = Number(content.number());
    const base = content.number();
    const inbox = flags & HAS_INBOX ? content.cursor() : undefined;
    const recorded =
      flags & HAS_RECORD
        ? { seqId: content.number(), tag: Number(content.number()), count: Number(content.number()) }
        : undefined;
    const usualEpoch = flags & HAS_EPOCH ? content.epoch() : 0;
    const conversations: [ConversationRef, ConversationPosition][] = [];
    while (!content.isAtEnd) conversations.push([readRef(content), content.position(usualEpoch)]);
    const isComplete = (flags & IS_COMPLETE) !== 0n;
    const resynced = (flags & RESYNCED) !== 0n;
    return { generation, base, inbox, isComplete, resynced, recorded, usualEpoch, conversations };
  });
}

/** Chooses the shorter of name and hash. Only a name that `isStored` can be found by its hash. */
export function refOf(name: string, hashes: NameHashes, isStored: boolean): ConversationRef {
  const hash = isStored && Buffer.byteLength(name) > HASH_BYTES ? hashes.of(name) : undefined;
  return hash === undefined ? { name } : { hash };
}

function contentOf(cursor: DeviceCursor): ByteWriter {
  const { generation, base, inbox, isComplete, resynced, recorded, usualEpoch, conversations } = cursor;
  let flags = 0n;
  if (isComplete) flags |= IS_COMPLETE;
  if (resynced) flags |= RESYNCED;
  if (inbox !== undefined) flags |= HAS_INBOX;
  if (recorded) flags |= HAS_RECORD;
  if (usualEpoch !== 0) flags |= HAS_EPOCH;
  const content = new ByteWriter().number(flags).number(generation).number(base);
  if (inbox !== undefined) content.cursor(inbox);
  if (recorded) content.number(recorded.seqId).number(recorded.tag).number(recorded.count);
  if (usualEpoch !== 0) content.epoch(usualEpoch);
  for (const [ref, position] of conversations) writeRef(content, ref).position(position, usualEpoch);
  return content;
}

function writeRef(content: ByteWriter, ref: ConversationRef): ByteWriter {
  return 'name' in ref ? content.text(ref.name) : content.number(0).bytes(Buffer.from(ref.hash, 'latin1'));
}

function sizeOfRef(ref: ConversationRef): number {
  return 'hash' in ref ? 1 + HASH_BYTES : new ByteWriter().text(ref.name).length;
}

function readRef(content: ByteReader): ConversationRef {
  const length = Number(content.number());
  const bytes = content.bytes(length === 0 ? HASH_BYTES : length);
  return length === 0 ? { hash: bytes.toString('latin1') } : { name: bytes.toString() };
}
