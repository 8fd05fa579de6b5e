import type { Cursor } from '../../src/index.js';
import type { ConversationPosition } from './conversation-position.js';
import type { PositionChange } from './stream-page.js';

export type ConversationChange = readonly [conversation: string, position: ConversationPosition];

/** A position in the inbox, and whether the device's position is complete; see `StreamPosition`. */
export interface InboxProgress {
  readonly inbox: Cursor | undefined;
  readonly isComplete: boolean;
}

/** The changes of one page in order, those of conversations apart from those of the inbox. */
export class PageChanges {
  readonly conversations: readonly ConversationChange[];
  readonly #start: InboxProgress;
  readonly #changes: readonly PositionChange[];
  /** Made for the first cursor: most are never asked for. */
  #progress: readonly { readonly inbox: InboxProgress; readonly conversationCount: number }[] | undefined;

  constructor(start: InboxProgress, changes: readonly PositionChange[]) {
    this.#start = start;
    this.#changes = changes;
    this.conversations = changes.flatMap((change) =>
      'conversation' in change ? [[change.conversation, change.position] as const] : [],
    );
  }

  /** The progress after all changes. */
  get end(): InboxProgress {
    let { inbox, isComplete } = this.#start;
    for (const change of this.#changes) {
      if ('inbox' in change) inbox = change.inbox;
      else if ('isComplete' in change) isComplete = true;
    }
    return { inbox, isComplete };
  }

  /** The progress after the first `count` changes, and how many of them are changes of conversations. */
  after(count: number): { readonly inbox: InboxProgress; readonly conversationCount: number } {
    this.#progress ??= this.#addUp();
    return this.#progress[count] as { inbox: InboxProgress; conversationCount: number };
  }

  #addUp(): { inbox: InboxProgress; conversationCount: number }[] {
    let last = { inbox: this.#start, conversationCount: 0 };
    return [
      last,
      ...this.#changes.map((change) => {
        const { inbox, conversationCount } = last;
        if ('inbox' in change) last = { inbox: { ...inbox, inbox: change.inbox }, conversationCount };
        else if ('isComplete' in change) last = { inbox: { ...inbox, isComplete: true }, conversationCount };
        else last = { inbox, conversationCount: conversationCount + 1 };
        return last;
      }),
    ];
  }
}
