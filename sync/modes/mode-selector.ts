import type { Context } from '../shared/context.js';
import { each, RecentMap } from '../shared/listing.js';
import type { Mode } from '../types.js';
import type { EffectiveMode } from './conversation-modes.js';

const MAX_CONVERSATIONS = 20_000;
/** A choice holds for this many messages and milliseconds, or until members join or leave. */
const MESSAGES_PER_CHOICE = 256;
const MAX_CHOICE_AGE_MS = 60_000;

interface Choice {
  messagesLeft: number;
  chosenAt: number;
  pending?: Promise<void> | undefined;
  /** Messages that wait for it. */
  waiting: number;
}

/** The mode to change to, and the SeqId of the marker that it follows. */
export interface ModeChange {
  readonly mode: Mode;
  readonly after: bigint;
}

/** Asks the diffusion for the mode of a conversation, when a choice is due. */
export class ModeSelector<M> {
  readonly #context: Context<M>;
  readonly #choices = new RecentMap<string, Choice>(MAX_CONVERSATIONS);

  constructor(context: Context<M>) {
    this.#context = context;
  }

  /** The next message needs a new choice: the members have changed. */
  invalidate(conversation: string): void {
    const choice = this.#choices.get(conversation);
    if (choice) choice.messagesLeft = 0;
  }

  /** Before a message: changes the mode if a change is due. Messages sent meanwhile wait, and so keep their order. */
  async ensureMode(
    conversation: string,
    current: () => Promise<EffectiveMode>,
    change: (to: ModeChange) => Promise<void>,
  ): Promise<void> {
    const choice = this.#choices.use(conversation, () => ({ messagesLeft: 0, chosenAt: 0, waiting: 0 }));
    if (!choice.pending && choice.messagesLeft > 0 && performance.now() - choice.chosenAt < MAX_CHOICE_AGE_MS) {
      choice.messagesLeft--;
      return;
    }
    choice.pending ??= this.#choose(conversation, choice, current, change);
    choice.waiting++;
    try {
      await choice.pending;
    } finally {
      // Later ones have to wait until all that do so have gone on, or they would overtake them.
      if (--choice.waiting === 0) choice.pending = undefined;
    }
  }

  async #choose(
    conversation: string,
    choice: Choice,
    current: () => Promise<EffectiveMode>,
    change: (to: ModeChange) => Promise<void>,
  ): Promise<void> {
    const now = performance.now();
    const { mode, since } = await current();
    const chosen = await this.#context.diffusion.choose({
      conversation,
      mode,
      size: (atMost) => this.#size(conversation, atMost),
    });
    choice.messagesLeft = MESSAGES_PER_CHOICE;
    choice.chosenAt = now;
    if (chosen !== mode) await change({ mode: chosen, after: since });
  }

  async #size(conversation: string, atMost: number): Promise<number> {
    const { directory } = this.#context;
    if (directory.size) return Math.min(atMost, await directory.size(conversation));
    let count = 0;
    for await (const _ of each(directory.members(conversation))) if (++count >= atMost) break;
    return count;
  }
}
