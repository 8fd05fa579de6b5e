import type { Context } from './context.js';
import { each, Recent } from './listing.js';
import type { ModeAt } from './modes.js';
import type { Mode } from './types.js';

const CONVERSATIONS = 20_000;
/** A choice holds for so many messages and milliseconds, or until members join or leave. */
const MESSAGES = 256;
const AGE_MS = 60_000;

interface Review {
  left: number;
  at: number;
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

  /** The mode to change to, and the marker that it follows; `undefined` if all is as it should be. */
  async due(conversation: string, present: () => Promise<ModeAt>): Promise<{ mode: Mode; after: bigint } | undefined> {
    const review = this.#reviews.use(conversation, () => ({ left: 0, at: 0 }));
    const now = performance.now();
    if (review.left > 0 && now - review.at < AGE_MS) {
      review.left--;
      return undefined;
    }
    const { mode, at } = await present();
    const chosen = await this.#context.diffusion.choose({
      conversation,
      mode,
      size: (atMost) => this.#size(conversation, atMost),
    });
    review.left = MESSAGES;
    review.at = now;
    return chosen === mode ? undefined : { mode: chosen, after: at };
  }

  async #size(conversation: string, atMost: number): Promise<number> {
    const { directory } = this.#context;
    if (directory.size) return Math.min(atMost, await directory.size(conversation));
    let count = 0;
    for await (const _ of each(directory.members(conversation))) if (++count >= atMost) break;
    return count;
  }
}
