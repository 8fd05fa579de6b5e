import { createHash } from 'node:crypto';
import { TimelineError } from '../src/errors.js';
import { describe } from '../src/text.js';
import type { Cursor } from '../src/types.js';
import type { Place } from './places.js';
import { decodePlaces, encodePlaces } from './places.js';

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

/** Ties a cursor to its device: enough to notice one that strayed, not meant against forgery. */
export function deviceTag(user: string, device: string): string {
  return createHash('sha256')
    .update(JSON.stringify([user, device]))
    .digest('base64url')
    .slice(0, 8);
}

export function encodeProgress(tag: string, { generation, inbox, places, resynced }: Progress): Cursor {
  const parts = {
    g: generation,
    ...(inbox && { i: inbox }),
    ...(places.size > 0 && { p: encodePlaces(places) }),
    ...(resynced && { r: 1 }),
  };
  return `${VERSION}.${tag}.${Buffer.from(JSON.stringify(parts)).toString('base64url')}`;
}

/** `TIMELINE_INVALID_CURSOR` for what is not a cursor, or is one of another device. */
export function decodeProgress(tag: string, cursor: unknown): Progress {
  const [version, owner, text, rest] = typeof cursor === 'string' ? cursor.split('.') : [];
  try {
    if (version !== VERSION || !text || rest !== undefined) throw new SyntaxError('not a device cursor');
    const { g, i, p = {}, r } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    if (typeof g !== 'number') throw new SyntaxError('not a device cursor');
    if (owner !== tag) throw new SyntaxError('a cursor of another device');
    return { generation: g, inbox: i as Cursor | undefined, places: decodePlaces(p), resynced: r === 1 };
  } catch (cause) {
    const problem =
      cause instanceof SyntaxError && owner !== tag && version === VERSION
        ? 'is of another device'
        : 'is not a cursor of a device';
    throw new TimelineError('TIMELINE_INVALID_CURSOR', `cursor ${problem}: ${describe(cursor)}`, { argument: 'cursor', cause });
  }
}
