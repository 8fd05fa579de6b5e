import type { Cursor } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import { type DeviceProgress, encodeCursor, type Signer } from './device-cursor.js';
import type { PositionChange } from './stream-page.js';

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
