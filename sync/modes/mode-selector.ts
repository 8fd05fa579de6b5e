import type { Context } from '../shared/context.js';
import { each, Recent } from '../shared/listing.js';
import type { Mode } from '../types.js';
import type { ModeAt } from './conversation-modes.js';

const CONVERSATIONS = 20_000;
/** A choice holds for so many messages and milliseconds, or until members join or leave. */
const MESSAGES = 256;
const AGE_MS = 60_000;

interface Review {
  left: number;
  at: number;
  underWay?: Promise<void> | undefined;
}

/** The mode to change to, and the marker that it follows. */
export interface Change {
  readonly mode: Mode;
  readonly after: bigint;
}

/** When to ask the diffusion for a conversation's mode, and what it answers. */
export class Reviews<M> {
  readonly #context: Context<M>;
  readonly #reviews = new Recent<string, Review>(CONVERSATIONS);

  constructor(context: Context<M>) {
    this.#context = context;
  }

  forget(conversation: string): void {
    const review = this.#reviews.get(conversation);
    if (review) review.left = 0;
  }

  /** Before a message: has the mode changed if that is due. What is sent meanwhile waits, and so keeps its order. */
  async look(
    conversation: string,
    present: () => Promise<ModeAt>,
    change: (to: Change) => Promise<void>,
  ): Promise<void> {
    const review = this.#reviews.use(conversation, () => ({ left: 0, at: 0 }));
    if (!review.underWay && review.left > 0 && performance.now() - review.at < AGE_MS) {
      review.left--;
      return;
    }
    review.underWay ??= this.#ask(conversation, review, present, change).finally(() => {
      review.underWay = undefined;
    });
    await review.underWay;
  }

  async #ask(
    conversation: string,
    review: Review,
    present: () => Promise<ModeAt>,
    change: (to: Change) => Promise<void>,
  ): Promise<void> {
    const now = performance.now();
    const { mode, at } = await present();
    const chosen = await this.#context.diffusion.choose({
      conversation,
      mode,
      size: (atMost) => this.#size(conversation, atMost),
    });
    review.left = MESSAGES;
    review.at = now;
    if (chosen !== mode) await change({ mode: chosen, after: at });
  }

  async #size(conversation: string, atMost: number): Promise<number> {
    const { directory } = this.#context;
    if (directory.size) return Math.min(atMost, await directory.size(conversation));
    let count = 0;
    for await (const _ of each(directory.members(conversation))) if (++count >= atMost) break;
    return count;
  }
}
