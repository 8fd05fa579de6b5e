import { isTimelineError, TimelineError } from '../src/errors.js';
import type { Context } from './context.js';
import { type Seal, sealOf } from './device-cursor.js';
import { type DeviceLog, furtherInbox } from './device-log.js';
import { type Batch, Feed, type Found } from './feed.js';
import { membershipsOf } from './memberships.js';
import { readerOf } from './names.js';
import { isFollowed, type Place } from './places.js';
import { rebuild } from './rebuild.js';
import { resolveReferences } from './references.js';
import { Trail } from './trail.js';
import type { DeviceOptions, Membership, SyncMessage } from './types.js';

/** A device that falls behind again and again while it is rebuilt is not helped by one more attempt. */
const REBUILDS = 3;

export interface Owner {
  readonly user: string;
  readonly device: string;
  readonly start: NonNullable<DeviceOptions['start']>;
}

/** What has moved, in one round trip. */
interface Look {
  readonly log: bigint;
  readonly heads: ReadonlyMap<string, bigint>;
  readonly memberships: Membership[] | undefined;
  readonly secret: string;
}

export interface Seen<M> {
  readonly messages: SyncMessage<M>[];
  readonly upToDate: boolean;
  /** Something was handed over, or passed by. */
  readonly hasMoved: boolean;
  /** The device was rebuilt: what was read before does not count. */
  readonly startsAnew: boolean;
}

/** One way through a device's stream, from the acknowledged position on. */
export class View<M> {
  readonly #context: Context<M>;
  readonly #owner: Owner;
  readonly #log: DeviceLog<M>;
  readonly #byInbox: Map<string, bigint>;
  #feed: Feed<M>;
  readonly #seal: Seal;
  #trail: Trail;
  #look: Look | undefined;
  #rebuilds = 0;
  #isUntold: boolean;

  static async open<M>(
    context: Context<M>,
    owner: Owner,
    log: DeviceLog<M>,
    byInbox: Map<string, bigint>,
  ): Promise<View<M>> {
    const checkpoint = { timeline: owner.user, reader: readerOf.device(owner.device) };
    const [[inbox], first] = await Promise.all([
      context.sync.checkpoints([checkpoint]),
      lookUp(context, owner.user, log, log.places),
    ]);
    if (inbox === undefined && owner.start !== 'oldest' && !log.isKnown && first.log === 0n) {
      await rebuild(context, owner, log, { last: owner.start === 'now' ? 0 : owner.start.last, resync: false });
      return View.open(context, owner, log, byInbox);
    }
    const look = (await log.refresh(first.log)) ? await lookUp(context, owner.user, log, log.places) : first;
    const stands = furtherInbox(inbox, log.inbox);
    const position = { inbox: stands ?? (log.isKnown ? 0n : undefined), places: new Map(log.places) };
    // Reading from "the oldest kept" does not tell which markers have expired: nothing known from before holds.
    const known = position.inbox === undefined ? new Map<string, bigint>() : byInbox;
    return new View(context, owner, log, byInbox, new Feed(context, owner.user, position, known), look);
  }

  private constructor(
    context: Context<M>,
    owner: Owner,
    log: DeviceLog<M>,
    byInbox: Map<string, bigint>,
    feed: Feed<M>,
    look: Look,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#log = log;
    this.#byInbox = byInbox;
    this.#feed = feed;
    this.#look = look;
    this.#seal = sealOf(look.secret, owner);
    this.#trail = this.#newTrail();
    this.#isUntold = log.isUntold;
  }

  get trail(): Trail {
    return this.#trail;
  }

  /** The conversations that are read from their own Timelines. */
  get followed(): string[] {
    return this.#feed.followed;
  }

  /** Reads on by at most `limit` messages. */
  async read(limit: number): Promise<Seen<M>> {
    const look = this.#look ?? (await lookUp(this.#context, this.#owner.user, this.#log, this.#feed.position.places));
    this.#look = undefined;
    const batch = await this.#next(limit, look);
    if (batch.isBehind) {
      await this.#rebuild();
      return { messages: [], upToDate: false, hasMoved: true, startsAnew: true };
    }
    this.#rebuilds = 0;
    const messages = await this.#handOver(batch);
    return { messages, upToDate: batch.upToDate, hasMoved: batch.steps.length > 0, startsAnew: false };
  }

  /** A store that lost what the position stands in is no better than one where it has expired. */
  async #next(limit: number, look: Look): Promise<Batch<M>> {
    try {
      return await this.#feed.next(limit, look.memberships, look.heads);
    } catch (error) {
      const code = isTimelineError(error) ? error.code : undefined;
      if (code !== 'TIMELINE_EPOCH_CHANGED' && code !== 'TIMELINE_ROLLED_BACK') throw error;
      return { found: [], steps: [], upToDate: false, isBehind: true };
    }
  }

  async #rebuild(): Promise<void> {
    if (++this.#rebuilds > REBUILDS) {
      const message = `the device ${JSON.stringify(this.#owner.device)} fell behind faster than it could be rebuilt`;
      throw new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true });
    }
    await rebuild(this.#context, this.#owner, this.#log, { last: this.#context.resyncLast, resync: true });
    const again = await View.open(this.#context, this.#owner, this.#log, this.#byInbox);
    this.#feed = again.#feed;
    this.#look = again.#look;
    this.#trail = this.#newTrail();
    this.#isUntold = true;
  }

  #newTrail(): Trail {
    return new Trail(this.#seal, this.#log.generation, this.#log.isUntold);
  }

  async #handOver({ found, steps }: Batch<M>): Promise<SyncMessage<M>[]> {
    const messages = await resolveReferences(this.#context.store, found);
    const cursorAt = this.#trail.follow(steps);
    return messages.flatMap((message, i) => {
      if (!message) return [];
      const count = (found[i] as Found<M>).steps;
      const isFirst = this.#isUntold;
      this.#isUntold = false;
      return {
        ...message,
        ...(isFirst && { resynced: true as const }),
        get cursor() {
          return cursorAt(count);
        },
      };
    });
  }
}

async function lookUp<M>(
  { store, directory, beginning }: Context<M>,
  user: string,
  log: DeviceLog<M>,
  places: ReadonlyMap<string, Place>,
): Promise<Look> {
  const followed = [...places].flatMap(([conversation, place]) => (isFollowed(place) ? [conversation] : []));
  const [heads, { secret, memberships }] = await Promise.all([
    store.heads([log.id, ...followed]),
    beginning().then(async ({ mayBeRead, secret }) => ({
      secret,
      memberships: mayBeRead ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  const [own, ...others] = heads.map(({ lastSeqId }) => lastSeqId);
  return {
    log: own as bigint,
    heads: new Map(followed.map((conversation, i) => [conversation, others[i] as bigint])),
    memberships,
    secret,
  };
}
