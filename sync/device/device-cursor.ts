import { createHmac } from 'node:crypto';
import { TimelineError } from '../../src/errors.js';
import { describe } from '../../src/text.js';
import type { Cursor } from '../../src/types.js';
import type { Place } from './conversation-position.js';
import { decodePlaces, encodePlaces } from './conversation-position.js';

const VERSION = 's1';

/** What acknowledging means: how far the inbox was handed over, and each conversation that the device reads itself. */
export interface Progress {
  /** The life of the device's state that this belongs to: a higher one begins with each resync. */
  readonly generation: number;
  readonly inbox?: Cursor | undefined;
  readonly places: ReadonlyMap<string, Place>;
  /** The page said that the device was resynced. */
  readonly resynced: boolean;
}

/** Signs what a cursor says. */
export type Seal = (text: string) => string;

/**
 * Ties a cursor to its device and to the library that made it. Cursors travel through clients, and a place in one decides
 * which conversation is read: a client must not be able to make them up.
 */
export function sealOf(secret: string, { user, device }: { readonly user: string; readonly device: string }): Seal {
  const key = JSON.stringify([secret, user, device]);
  return (text) => createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
}

export function encodeProgress(seal: Seal, { generation, inbox, places, resynced }: Progress): Cursor {
  const parts = {
    g: generation,
    ...(inbox && { i: inbox }),
    ...(places.size > 0 && { p: encodePlaces(places) }),
    ...(resynced && { r: 1 }),
  };
  const text = Buffer.from(JSON.stringify(parts)).toString('base64url');
  return `${VERSION}.${seal(text)}.${text}`;
}

/** `TIMELINE_INVALID_CURSOR` for what is not a cursor, or is one of another device. */
export function decodeProgress(seal: Seal, cursor: unknown): Progress {
  const [version, signature, text, rest] = typeof cursor === 'string' ? cursor.split('.') : [];
  try {
    if (version !== VERSION || !text || rest !== undefined || signature !== seal(text))
      throw new SyntaxError('not signed here');
    const { g, i, p = {}, r } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    return { generation: g as number, inbox: i as Cursor | undefined, places: decodePlaces(p), resynced: r === 1 };
  } catch (cause) {
    const message = `cursor is not one of this device: ${describe(cursor)}`;
    throw new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'cursor', cause });
  }
}
