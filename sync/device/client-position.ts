import { isTimelineError, type ReadRange, seqIdOf, TimelineError } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import { lenient } from '../shared/undecodable.js';
import { decodeClientCursor } from './client-cursor.js';
import { ClientCursors, type FanOutPositionsOf } from './client-cursors.js';
import { type ConversationPosition, followedOf, isFollowed } from './conversation-position.js';
import { type Signer, signerFor } from './cursor-signature.js';
import {
  type DeviceIdentity,
  type KeptPosition,
  lastOf,
  type OpenedPosition,
  type ReadHeads,
} from './kept-position.js';
import type { NameHashes } from './name-hashes.js';
import { rebuild } from './rebuild.js';
import type { StreamPosition } from './stream-page.js';

const PAGE = 1000;
/** Pages of the inbox, after the position and before it, that are searched for names which the directory lacks. */
const MAX_PAGES = 10;

/** A position that the client keeps: nothing of it is stored. */
export class ClientPosition<M> implements KeptPosition {
  readonly log = undefined;
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  /** The cursor that the client gave; `''` begins. */
  readonly #after: string;
  readonly #hashesFor: (secret: string) => NameHashes;
  #rebuilt: StreamPosition | undefined;
  #isResynced = false;

  constructor(context: Context<M>, identity: DeviceIdentity, after: string, hashesFor: (secret: string) => NameHashes) {
    this.#context = context;
    this.#identity = identity;
    this.#after = after;
    this.#hashesFor = hashesFor;
  }

  async open(readHeads: ReadHeads): Promise<OpenedPosition> {
    const { secret } = await this.#context.settings();
    const hashes = this.#hashesFor(secret);
    const sign = signerFor(secret, [this.#identity.user]);
    const position = this.#rebuilt ?? (await this.#begin(sign, hashes));
    const [heads, fanOutPositions] = await Promise.all([
      readHeads(followedOf(position.conversations)),
      this.#fanOutPositions(position),
    ]);
    const cursors = new ClientCursors(sign, hashes, position, fanOutPositions, this.#isResynced);
    return { position, heads, cursors };
  }

  async refresh(): Promise<boolean> {
    return false;
  }

  async rebuild({ last, isResync }: { readonly last: number; readonly isResync: boolean }): Promise<void> {
    this.#rebuilt = { ...(await rebuild(this.#context, this.#identity.user, last)), isComplete: true };
    if (isResync) this.#isResynced = true;
  }

  async #begin(sign: Signer, hashes: NameHashes): Promise<StreamPosition> {
    if (this.#after !== '') return this.#decode(sign, hashes);
    const last = lastOf(this.#identity.start);
    if (last === undefined) return { inbox: undefined, conversations: new Map(), isComplete: false };
    await this.rebuild({ last, isResync: false });
    return this.#rebuilt as unknown as StreamPosition;
  }

  async #decode(sign: Signer, hashes: NameHashes): Promise<StreamPosition> {
    const { inbox, isComplete, hashed, named } = decodeClientCursor(sign, this.#after);
    const conversations = new Map<string, ConversationPosition>(named);
    if (hashed.length === 0) return { inbox, conversations, isComplete };
    const listed = await membershipsOf(this.#context.directory, this.#identity.user);
    const add = (candidates: ReadonlySet<string>): boolean => {
      hashes.see(candidates);
      let isWhole = true;
      for (const [hash, position] of hashed) {
        if (hashes.isAmbiguous(hash)) throw ambiguous();
        const name = hashes.nameOf(hash);
        if (name !== undefined && candidates.has(name)) conversations.set(name, position);
        isWhole &&= name !== undefined && conversations.has(name);
      }
      return isWhole;
    };
    const isWhole = add(new Set(listed.map(({ conversation }) => conversation)));
    // Where the user has left, only the position tells which entries from before were handed over.
    const seqId = typeof inbox === 'string' ? seqIdOf(inbox) : (inbox ?? 0n);
    const ranges = isWhole ? [] : [{ after: seqId }, { before: seqId + 1n, reverse: true }];
    for (const range of ranges) if (add(await this.#conversationsIn(range))) break;
    return { inbox, conversations, isComplete };
  }

  /** Returns the conversations in a part of the inbox. */
  async #conversationsIn(range: ReadRange): Promise<Set<string>> {
    const names = new Set<string>();
    let pages = 0;
    const timeline = this.#context.sync.timeline(this.#identity.user);
    try {
      for await (const { entries } of timeline.pages({ ...range, pageSize: PAGE, ...lenient })) {
        for (const { message } of entries) if (message?.conversation !== undefined) names.add(message.conversation);
        if (++pages === MAX_PAGES) break;
      }
    } catch (error) {
      // The stream finds the same, and the device is resynced.
      if (!isTimelineError(error) || error.code !== 'TIMELINE_ROLLED_BACK') throw error;
    }
    return names;
  }

  async #fanOutPositions({ conversations }: StreamPosition): Promise<FanOutPositionsOf> {
    const names = [...conversations].flatMap(([name, position]) => (isFollowed(position) ? [] : [name]));
    if (names.length === 0) return new Map();
    const positions = await this.#context.fanOutPositions.get(names);
    return new Map(names.map((name, i) => [name, positions[i]]));
  }
}

/** Cursors made from here on name the conversation. */
function ambiguous(): TimelineError {
  const message = `after fits two conversations of the user: begin again with ''`;
  return new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'after' });
}
