import { createHmac } from 'node:crypto';
import { type Cursor, TimelineError } from '../../src/index.js';
import { describeValue } from '../../src/toolkit/index.js';
import { ByteReader, type ByteWriter } from './cursor-bytes.js';

const SIGNATURE_LENGTH = 22;

/** Returns the signature of a cursor's text. */
export type Signer = (text: string) => string;

/**
 * Makes the signer for the cursors of one owner: `[user, device]`, or `[user]` for positions that a client keeps.
 * Clients hold cursors, and a position in a cursor decides which conversation is read: a client must not be able to
 * forge one.
 */
export function signerFor(secret: string, owner: readonly string[]): Signer {
  const key = JSON.stringify([secret, ...owner]);
  return (text) => createHmac('sha256', key).update(text).digest('base64url').slice(0, SIGNATURE_LENGTH);
}

/** A cursor of a device does not count from before the device was forgotten, or the libraries were restored. */
export interface CursorLife {
  readonly forgottenAt: bigint;
  /** See `LibrarySettings`. */
  readonly life: number;
}

/** Makes the signer of a device. */
export function signerForDevice(secret: string, user: string, device: string, life: CursorLife): Signer {
  return signerFor(secret, [user, device, String(life.forgottenAt), String(life.life)]);
}

/** Characters of a signed cursor besides those of its content. */
export const signedOverhead = (version: string): number => version.length + SIGNATURE_LENGTH + 2;

export function signCursor(version: string, sign: Signer, content: ByteWriter): Cursor {
  const text = content.toBase64();
  return `${version}.${sign(text)}.${text}`;
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but a signed cursor of this version that `read` understands. */
export function verifyCursor<T>(
  { version, sign, argument, expected }: CursorKind,
  cursor: unknown,
  read: (content: ByteReader) => T,
): T {
  const [found, signature, text, rest] = typeof cursor === 'string' ? cursor.split('.') : [];
  try {
    if (found !== version || !text || rest !== undefined || signature !== sign(text))
      throw new SyntaxError('not signed here');
    return read(new ByteReader(text));
  } catch (cause) {
    const message = `${argument} is not ${expected}: ${describeValue(cursor)}`;
    throw new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument, cause });
  }
}

export interface CursorKind {
  readonly version: string;
  readonly sign: Signer;
  /** Name of the argument, for the error. */
  readonly argument: string;
  /** The kind of cursor that it must be, for the error. */
  readonly expected: string;
}
