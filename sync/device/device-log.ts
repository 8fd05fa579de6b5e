import { seqIdOf } from '../../src/cursor.js';
import type { Cursor, Timeline, TimelineId, TimelineStore } from '../../src/types.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { decodePlaces, encodePlaces, further, type Place } from './conversation-position.js';

/** Records after which the log is written anew as one. */
const COMPACT_AT = 64;
const PAGE = 1000;

interface Recorded {
  readonly generation: number;
  /** The inbox position that was acknowledged together with the places. */
  readonly inbox?: Cursor | undefined;
  readonly places?: Record<string, string>;
  /** This generation began because the device fell behind the inbox. */
  readonly resync?: true;
  /** The device has been told so. */
  readonly told?: true;
}

/** What a device keeps besides its inbox position: a Timeline of changes, so that any process can read and add to it. */
export class DeviceLog<M> {
  /** The device has acknowledged something, be it an empty page. */
  isKnown = false;
  generation = 0;
  /** A resync began this generation and the device has not acknowledged a page that says so. */
  isUntold = false;
  places = new Map<string, Place>();
  /** May be ahead of the checkpoint on the inbox, after a crash between the two, or behind. */
  inbox: Cursor | undefined;
  readonly id: TimelineId;
  readonly #timeline: Timeline<Stored<M>>;
  readonly #canTrim: boolean;
  #read = 0n;
  #records = 0;

  constructor(store: TimelineStore<Stored<M>>, user: string, device: string) {
    this.id = timelineOf.device(user, device);
    this.#timeline = store.timeline(this.id);
    this.#canTrim = store.capabilities.trim;
  }

  /** Takes in what this and other processes have added; true if there was anything. */
  async refresh(lastSeqId?: bigint): Promise<boolean> {
    if (lastSeqId !== undefined && lastSeqId <= this.#read) return false;
    const before = this.#read;
    for await (const { entries } of this.#timeline.pages({ after: this.#read, pageSize: PAGE, ...lenient })) {
      for (const { message, seqId, deleted } of entries) {
        if (seqId <= this.#read) continue;
        if (!deleted && message.kind === 'state') this.#apply(message.state as Recorded);
        this.#read = seqId;
        this.#records++;
      }
    }
    return this.#read !== before;
  }

  async add(record: Omit<Recorded, 'places'> & { readonly places?: ReadonlyMap<string, Place> }): Promise<void> {
    const { places, ...rest } = record;
    await this.#timeline.append({ kind: 'state', state: { ...rest, ...(places && { places: encodePlaces(places) }) } });
    await this.refresh();
    if (this.#records > COMPACT_AT && this.#canTrim) await this.#compact();
  }

  /** One record that says what all of them say; what others add meanwhile stays behind the cut. */
  async #compact(): Promise<void> {
    const through = this.#read;
    const state: Recorded = {
      generation: this.generation,
      places: encodePlaces(this.places),
      inbox: this.inbox,
      ...(this.isUntold && { resync: true }),
    };
    this.#records = 0;
    await this.#timeline.append({ kind: 'state', state });
    await this.#timeline.trim({ through });
  }

  #apply({ generation, places = {}, inbox, resync, told }: Recorded): void {
    this.isKnown = true;
    if (generation < this.generation) return;
    if (generation > this.generation) {
      this.generation = generation;
      this.places = new Map();
      this.inbox = undefined;
      this.isUntold = false;
    }
    if (resync) this.isUntold = true;
    if (told) this.isUntold = false;
    this.inbox = furtherInbox(this.inbox, inbox);
    for (const [conversation, place] of decodePlaces(places)) {
      this.places.set(conversation, further(this.places.get(conversation), place));
    }
  }
}

export function furtherInbox(a: Cursor | undefined, b: Cursor | undefined): Cursor | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return seqIdOf(b) > seqIdOf(a) ? b : a;
}
