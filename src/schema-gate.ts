import type { Draft } from './drafts.js';
import { Fifo } from './fifo.js';

/**
 * Laws Order, Isolation: a draft waits here for its schema, and later drafts of its Timeline wait behind it. Drafts of
 * other Timelines do not wait, and no draft waits for an aborted one.
 */
export class SchemaGate {
  readonly #byTimeline = new Map<string, Fifo<Draft>>();
  readonly #pass: (draft: Draft) => void;

  constructor(pass: (draft: Draft) => void) {
    this.#pass = pass;
  }

  enter(draft: Draft): void {
    const before = this.#byTimeline.get(draft.timeline);
    if (before) before.push(draft);
    else if (draft.ready) this.#open(draft);
    else this.#pass(draft);
  }

  /** Removes a draft that failed before it passed. */
  leave(draft: Draft): void {
    const drafts = this.#byTimeline.get(draft.timeline);
    if (drafts?.peek() === draft) this.#advance(draft.timeline, drafts);
  }

  /** Removes and returns all waiting drafts. */
  drain(): Draft[] {
    const drafts = [...this.#byTimeline.values()].flatMap((each) => each.drain());
    this.#byTimeline.clear();
    return drafts;
  }

  #open(first: Draft): void {
    const drafts = new Fifo<Draft>();
    drafts.push(first);
    this.#byTimeline.set(first.timeline, drafts);
    this.#advance(first.timeline, drafts);
  }

  #advance(timeline: string, drafts: Fifo<Draft>): void {
    for (let head = drafts.peek(); head; head = drafts.peek()) {
      if (head.ready && !head.settled) {
        this.#await(head.ready, head, drafts);
        return;
      }
      this.#passHead(drafts);
    }
    if (this.#byTimeline.get(timeline) === drafts) this.#byTimeline.delete(timeline);
  }

  #await(ready: Promise<unknown>, head: Draft, drafts: Fifo<Draft>): void {
    const next = () => {
      if (drafts.peek() !== head) return;
      this.#passHead(drafts);
      this.#advance(head.timeline, drafts);
    };
    ready.then(next, next);
  }

  #passHead(drafts: Fifo<Draft>): void {
    const head = drafts.shift();
    if (head && !head.settled) this.#pass(head);
  }
}
