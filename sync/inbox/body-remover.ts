import {
  isTimelineError,
  type Page,
  type TimelineEntry,
  type TimelineError,
  type TimelineStore,
} from '../../src/index.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Synced } from '../types.js';
import type { CopiedMessage } from './copied-message.js';
import { searchCopies } from './copy-search.js';
import { withoutBody } from './inbox-entries.js';

const UPDATES_AT_ONCE = 32;
/** No Timeline ends with it: an append that expects it is refused, unless its key is known. */
const IMPOSSIBLE_SEQ_ID = 2n ** 63n - 1n;

type Copy<M> = TimelineEntry<Synced<M>> | undefined;
type KnownMessage<M> = NonNullable<CopiedMessage<M>['known']>;

/** Turns the copies of a message into references. References show the current body, so that once is enough. */
export class BodyRemover<M> {
  readonly #sync: TimelineStore<Synced<M>>;

  constructor(sync: TimelineStore<Synced<M>>) {
    this.#sync = sync;
  }

  /** Idempotent. Returns the error of each inbox, in the order of `users`; `undefined`: it holds no body. */
  async remove(users: readonly string[], copied: CopiedMessage<M>): Promise<(TimelineError | undefined)[]> {
    const errors = new Map<string, TimelineError>();
    const named = users.filter((user) => this.#isName(user));
    const copies = await this.#find(named, copied, errors).catch((error: TimelineError) => {
      for (const user of named) errors.set(user, error);
      return [];
    });
    const queue = copies.flatMap(({ user, copy }) => (copy && hasBody(copy) ? [{ user, copy }] : []));
    const workers = Array.from({ length: Math.min(UPDATES_AT_ONCE, queue.length) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const error = await this.#removeBody(next.user, next.copy, copied);
        if (error) errors.set(next.user, error);
      }
    });
    await Promise.all(workers);
    return users.map((user) => errors.get(user));
  }

  /** A user whose name is no Timeline id has no inbox. */
  #isName(user: string): boolean {
    try {
      this.#sync.timeline(user);
      return true;
    } catch {
      return false;
    }
  }

  async #find(
    users: readonly string[],
    copied: CopiedMessage<M>,
    errors: Map<string, TimelineError>,
  ): Promise<{ readonly user: string; readonly copy: Copy<M> }[]> {
    const { known } = copied;
    if (!known || !copied.isKeyRemembered() || !this.#sync.capabilities.expectedLast)
      return this.#search(users, copied);
    const positions = await Promise.all(
      users.map(async (user) => ({ user, seqId: await this.#positionOf(user, known, errors) })),
    );
    // The process may have stood still before an inbox was asked.
    if (!copied.isKeyRemembered()) return this.#search(users, copied);
    const holders = positions.flatMap(({ user, seqId }) => (seqId === undefined ? [] : [{ user, seqId }]));
    if (holders.length === 0) return [];
    const pages = await this.#sync.readBatch(
      holders.map(({ user, seqId }) => ({ timeline: user, after: seqId - 1n, before: seqId + 1n, limit: 1 })),
      lenient,
    );
    return holders.map(({ user }, i) => ({ user, copy: (pages[i] as Page<Synced<M>>).entries[0] }));
  }

  async #search(
    users: readonly string[],
    copied: CopiedMessage<M>,
  ): Promise<{ readonly user: string; readonly copy: Copy<M> }[]> {
    const copies = await searchCopies(this.#sync, users, copied);
    return users.map((user, i) => ({ user, copy: copies[i] }));
  }

  /**
   * Asks an inbox for the SeqId of the key, by an append that cannot be stored: a key that it stored would keep the
   * copy from an inbox that does not hold it yet. `undefined`: the inbox holds no copy, or it was a reference at once.
   */
  async #positionOf(
    user: string,
    { key, reference }: KnownMessage<M>,
    errors: Map<string, TimelineError>,
  ): Promise<bigint | undefined> {
    try {
      await this.#sync.timeline(user).append(reference, { key, expectedLast: IMPOSSIBLE_SEQ_ID });
    } catch (error) {
      const { code, actual } = error as TimelineError;
      if (code === 'TIMELINE_KEY_CONFLICT') return actual as bigint;
      if (code !== 'TIMELINE_CONFLICT') errors.set(user, error as TimelineError);
    }
    return undefined;
  }

  async #removeBody(
    user: string,
    { seqId, message }: NonNullable<Copy<M>>,
    { known }: CopiedMessage<M>,
  ): Promise<TimelineError | undefined> {
    const reference = isUndecodable(message) || !('sender' in message) ? known?.reference : withoutBody(message);
    if (!reference) return undefined;
    try {
      await this.#sync.timeline(user).update(seqId, reference);
    } catch (error) {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_NOT_FOUND') return error as TimelineError;
    }
    return undefined;
  }
}

function hasBody<M>({ message, deleted }: NonNullable<Copy<M>>): boolean {
  return !deleted && (isUndecodable(message) || ('body' in message && message.body !== undefined));
}
