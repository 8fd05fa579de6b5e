import type { Cursor } from '../../src/index.js';
import { checkClientCursor, encodeClientCursor } from './client-cursor.js';
import { setLast } from './conversation-position.js';
import type { Signer } from './cursor-signature.js';
import type { PageCursors } from './kept-position.js';
import type { NameHashes } from './name-hashes.js';
import { PageChanges } from './page-changes.js';
import type { StreamPage, StreamPosition } from './stream-page.js';

/** Cursors that hold the whole position of a device, for a client that keeps it. */
export class ClientCursors implements PageCursors {
  readonly resynced: boolean;
  readonly #sign: Signer;
  readonly #hashes: NameHashes;
  readonly #life: number;
  #position: StreamPosition;
  #end: Cursor | undefined;

  constructor(
    { sign, hashes, life }: { readonly sign: Signer; readonly hashes: NameHashes; readonly life: number },
    position: StreamPosition,
    resynced: boolean,
  ) {
    this.#sign = sign;
    this.#hashes = hashes;
    this.#life = life;
    this.#position = { ...position, conversations: new Map(position.conversations) };
    this.resynced = resynced;
  }

  get cursor(): Cursor {
    this.#end ??= this.#encode(this.#position);
    return this.#end;
  }

  /** Rejects with `TIMELINE_TOO_LARGE` if the position after the page is too large for a client. */
  async add({ changes }: StreamPage<unknown>): Promise<(count: number) => Cursor> {
    const start = this.#position;
    const page = new PageChanges({ inbox: undefined, isComplete: start.isComplete }, changes);
    const positionAfter = (count: number): StreamPosition => {
      const { inbox, conversationCount } = page.after(count);
      const changed = page.conversations.slice(0, conversationCount);
      const conversations = new Map(start.conversations);
      for (const [name, each] of changed) {
        if (each.isOver) conversations.delete(name);
        else setLast(conversations, name, each);
      }
      const last = changes[count - 1];
      const isInboxLast = last ? 'inbox' in last : start.isInboxLast;
      return { conversations, isInboxLast, isComplete: inbox.isComplete, inbox: inbox.inbox ?? start.inbox };
    };
    const position = positionAfter(changes.length);
    const end = checkClientCursor(this.#encode(position), position);
    this.#position = position;
    this.#end = end;
    return (count) => (count === changes.length ? end : this.#encode(positionAfter(count)));
  }

  #encode(position: StreamPosition): Cursor {
    return encodeClientCursor(this.#sign, this.#hashes, this.#life, position);
  }
}
