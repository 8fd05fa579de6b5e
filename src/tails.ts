import { onAbort } from './abort.js';
import type { LibraryClock } from './adapter.js';
import { HandOver } from './hand-over.js';
import type { Session } from './session.js';
import { Tail, type TailParts } from './tail.js';
import { FRESH_MS } from './tail-log.js';
import { TailLooks } from './tail-looks.js';
import type { TimelineRef } from './timeline-id.js';
import { cutoff } from './toolkit/cutoff.js';
import { jitter } from './toolkit/pause.js';
import type { Codec, TimelineId } from './types.js';

/** Growth of the interval of looks while they find nothing that hints have missed, and the most of it. */
const SLOWDOWN = 2;
const MAX_SLOWDOWN = 4;
/** The part of an interval that is random. */
const SPREAD = 0.2;

interface OpenTail<M> {
  readonly tail: Tail<M>;
  readonly unwatch: (() => void) | undefined;
  readers: number;
}

/**
 * The tails of one store: one for each Timeline with subscriptions. All that wait share one look, every `pollMs` at
 * first, and less often while hints come in time.
 */
export class Tails<M> {
  readonly #session: Session;
  readonly #parts: TailParts<M>;
  readonly #looks: TailLooks<M>;
  /** By encoded id. Entries carry the id as the caller gave it, so that each form of it has a tail of its own. */
  readonly #open = new Map<string, OpenTail<M>[]>();
  #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Session, codec: Codec<M>, clock: LibraryClock) {
    this.#session = session;
    this.#intervalMs = session.pollMs;
    this.#looks = new TailLooks(session, () => this.#lookOften());
    this.#parts = {
      codec,
      handOver: new HandOver(),
      look: (tail) => this.#looks.request(tail),
      isFresh: (appendedAt) =>
        Math.abs(clock.entryTime() - appendedAt) <= FRESH_MS &&
        appendedAt > cutoff(clock.expiryTime(), session.library.ttlMs),
    };
    onAbort(session.closing, () => this.#stop());
  }

  /** Returns the tail of a Timeline, for {@link release} later. */
  acquire(ref: TimelineRef): Tail<M> {
    const forms = this.#open.get(ref.encoded) ?? [];
    let open = forms.find(({ tail }) => formOf(tail.ref.id) === formOf(ref.id));
    if (!open) {
      const tail = new Tail<M>(ref, this.#parts);
      open = { tail, unwatch: this.#session.library.watch?.(ref.encoded, tail.hear), readers: 0 };
      this.#open.set(ref.encoded, [...forms, open]);
      this.#lookOften();
    }
    open.readers++;
    return open.tail;
  }

  release(tail: Tail<M>): void {
    const { encoded } = tail.ref;
    const forms = this.#open.get(encoded) ?? [];
    const open = forms.find((each) => each.tail === tail);
    if (!open || --open.readers > 0) return;
    open.unwatch?.();
    const others = forms.filter((each) => each !== open);
    if (others.length > 0) this.#open.set(encoded, others);
    else this.#open.delete(encoded);
    if (this.#open.size === 0) this.#stop();
  }

  /** Call after a change of an entry, or without `seqId` after a removal. */
  forget(timeline: string, seqId?: bigint): void {
    for (const { tail } of this.#open.get(timeline) ?? []) tail.forget(seqId);
  }

  /** Call after a drop: subscriptions of this store end without waiting for a hint. */
  lookAt(timeline: string): void {
    for (const { tail } of this.#open.get(timeline) ?? []) tail.hear();
  }

  #lookOften(): void {
    this.#intervalMs = this.#session.pollMs;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#look(), jitter(this.#intervalMs, SPREAD));
  }

  #look(): void {
    const since = performance.now() - this.#intervalMs / 2;
    for (const forms of this.#open.values()) {
      for (const { tail } of forms) {
        tail.refresh();
        if (tail.hasWaiting && tail.lookedAt < since) this.#looks.request(tail);
      }
    }
    const { pollMs, library } = this.#session;
    // Without hints, looks are all there is.
    if (library.watch) this.#intervalMs = Math.min(this.#intervalMs * SLOWDOWN, pollMs * MAX_SLOWDOWN);
    this.#schedule();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looks.stop();
  }
}

function formOf(id: TimelineId): string {
  return Array.isArray(id) ? `[${id.map((part) => typeof part)}]` : typeof id;
}
