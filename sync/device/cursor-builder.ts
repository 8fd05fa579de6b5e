import type { Cursor } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import { encodeCursor, type Signer } from './device-cursor.js';
import type { PositionChange } from './stream-page.js';

type Positions = ReadonlyMap<string, ConversationPosition>;

/** Adds up the position changes since the acknowledged position, and makes the cursor of each message on the way. */
export class CursorBuilder {
  /** `true` if its cursors belong to a page that tells the device of a resync. */
  readonly resynced: boolean;
  readonly #sign: Signer;
  readonly #generation: number;
  #inbox: Cursor | undefined;
  #conversations: Positions = new Map();

  constructor(sign: Signer, generation: number, resynced: boolean) {
    this.#sign = sign;
    this.#generation = generation;
    this.resynced = resynced;
  }

  /** The cursor after all changes so far. */
  get cursor(): Cursor {
    return this.#encode(this.#inbox, this.#conversations);
  }

  /** Adds changes. The returned function makes the cursor after the first `count` of them. */
  advance(changes: readonly PositionChange[]): (count: number) => Cursor {
    const inbox = this.#inbox;
    const conversations = this.#conversations;
    const after = (count: number) => changed(inbox, conversations, changes, count);
    [this.#inbox, this.#conversations] = after(changes.length);
    return (count) => this.#encode(...after(count));
  }

  #encode(inbox: Cursor | undefined, conversations: Positions): Cursor {
    return encodeCursor(this.#sign, { generation: this.#generation, inbox, conversations, resynced: this.resynced });
  }
}

function changed(
  inbox: Cursor | undefined,
  conversations: Positions,
  changes: readonly PositionChange[],
  count: number,
): [Cursor | undefined, Positions] {
  let copy: Map<string, ConversationPosition> | undefined;
  for (let i = 0; i < count; i++) {
    const change = changes[i] as PositionChange;
    if ('inbox' in change) inbox = change.inbox;
    else {
      copy ??= new Map(conversations);
      copy.set(change.conversation, change.position);
    }
  }
  return [inbox, copy ?? conversations];
}
