import { createHmac } from 'node:crypto';
import { type Cursor, TimelineError } from '../../src/index.js';
import { describeValue } from '../../src/toolkit/index.js';
import { type ConversationPosition, decodePositions, encodePositions } from './conversation-position.js';
import type { PositionChange } from './stream-page.js';

const VERSION = 's1';

/** The content of a cursor: the position that acknowledging it stores. */
export interface DeviceProgress {
  /** Each resync begins a new generation of the device's state. */
  readonly generation: number;
  readonly inbox?: Cursor | undefined;
  readonly conversations: ReadonlyMap<string, ConversationPosition>;
  /** See `StreamPosition`. */
  readonly isComplete: boolean;
  /** The page told the device of its resync. */
  readonly resynced: boolean;
}

/** Returns the signature of a cursor's text. */
export type Signer = (text: string) => string;

/**
 * Makes the signer for one device of one library. Clients hold cursors, and a position in a cursor decides which
 * conversation is read: a client must not be able to forge one.
 */
export function signerFor(
  secret: string,
  { user, device }: { readonly user: string; readonly device: string },
): Signer {
  const key = JSON.stringify([secret, user, device]);
  return (text) => createHmac('sha256', key).update(text).digest('base64url').slice(0, 22);
}

export function encodeCursor(sign: Signer, progress: DeviceProgress): Cursor {
  const { generation, inbox, conversations, isComplete, resynced } = progress;
  const parts = {
    g: generation,
    ...(inbox && { i: inbox }),
    ...(conversations.size > 0 && { p: encodePositions(conversations) }),
    ...(isComplete && { c: 1 }),
    ...(resynced && { r: 1 }),
  };
  const text = Buffer.from(JSON.stringify(parts)).toString('base64url');
  return `${VERSION}.${sign(text)}.${text}`;
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but a cursor of this device. */
export function decodeCursor(sign: Signer, cursor: unknown): DeviceProgress {
  const [version, signature, text, rest] = typeof cursor === 'string' ? cursor.split('.') : [];
  try {
    if (version !== VERSION || !text || rest !== undefined || signature !== sign(text))
      throw new SyntaxError('not signed here');
    const { g, i, p = {}, c, r } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    return {
      generation: g as number,
      inbox: i as Cursor | undefined,
      conversations: decodePositions(p),
      isComplete: c === 1,
      resynced: r === 1,
    };
  } catch (cause) {
    const message = `cursor is not one of this device: ${describeValue(cursor)}`;
    throw new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'cursor', cause });
  }
}

type Progress = Pick<DeviceProgress, 'inbox' | 'conversations' | 'isComplete'>;

/** Adds up the position changes since the acknowledged position, and makes the cursor of each message on the way. */
export class CursorBuilder {
  /** `true` if its cursors belong to a page that tells the device of a resync. */
  readonly resynced: boolean;
  readonly #sign: Signer;
  readonly #generation: number;
  #progress: Progress = { conversations: new Map(), isComplete: false };

  constructor(sign: Signer, generation: number, resynced: boolean) {
    this.#sign = sign;
    this.#generation = generation;
    this.resynced = resynced;
  }

  /** The cursor after all changes so far. */
  get cursor(): Cursor {
    return this.#encode(this.#progress);
  }

  /** Adds changes. The returned function makes the cursor after the first `count` of them. */
  advance(changes: readonly PositionChange[]): (count: number) => Cursor {
    const before = this.#progress;
    this.#progress = changed(before, changes);
    return (count) => this.#encode(changed(before, changes.slice(0, count)));
  }

  #encode(progress: Progress): Cursor {
    return encodeCursor(this.#sign, { ...progress, generation: this.#generation, resynced: this.resynced });
  }
}

function changed(before: Progress, changes: readonly PositionChange[]): Progress {
  let { inbox, isComplete } = before;
  let copy: Map<string, ConversationPosition> | undefined;
  for (const change of changes) {
    if ('inbox' in change) inbox = change.inbox;
    else if ('isComplete' in change) isComplete = true;
    else {
      copy ??= new Map(before.conversations);
      copy.set(change.conversation, change.position);
    }
  }
  return { inbox, isComplete, conversations: copy ?? before.conversations };
}
