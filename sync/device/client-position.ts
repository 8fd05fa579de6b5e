import { type Head, isTimelineError, type ReadRange, seqIdOf, TimelineError } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import { tagOf } from '../shared/epochs.js';
import { lenient } from '../shared/undecodable.js';
import { decodeClientCursor, epochBitsOf } from './client-cursor.js';
import { ClientCursors } from './client-cursors.js';
import { type ConversationPosition, followedOf, furthestOf } from './conversation-position.js';
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
    const { secret, life } = await this.#context.settings();
    const hashes = this.#hashesFor(secret);
    const sign = signerFor(secret, [this.#identity.user]);
    const given = this.#rebuilt ? found(this.#rebuilt) : await this.#begin(sign, hashes, life);
    if (given) {
      const { position, epochBits } = given;
      const followed = followedOf(position.conversations);
      const others = [...epochBits.keys()].filter((name) => !followed.includes(name));
      const [heads, otherHeads] = await Promise.all([
        readHeads(position.conversations),
        others.length === 0 ? [] : this.#context.store.heads(others),
      ]);
      const known = new Map([
        ...heads.conversations,
        ...others.map((name, i) => [name, otherHeads[i] as Head] as const),
      ]);
      if (setEpochs(given, hashes, known)) {
        const cursors = new ClientCursors({ sign, hashes, life }, position, this.#isResynced);
        return { position, heads, cursors };
      }
    }
    await this.rebuild({ last: this.#context.resyncLast, isResync: true });
    return this.open(readHeads);
  }

  async refresh(): Promise<boolean> {
    return false;
  }

  async rebuild({ last, isResync }: { readonly last: number; readonly isResync: boolean }): Promise<void> {
    const rebuilt = await rebuild(this.#context, this.#identity.user, last);
    this.#rebuilt = { ...rebuilt, isInboxLast: false, isComplete: true };
    if (isResync) this.#isResynced = true;
  }

  /** Returns `undefined` if the client has to be told that its position does not count any more. */
  async #begin(sign: Signer, hashes: NameHashes, life: number): Promise<GivenPosition | undefined> {
    if (this.#after !== '') return this.#decode(sign, hashes, life);
    const last = lastOf(this.#identity.start);
    if (last === undefined)
      return found({ inbox: undefined, conversations: new Map(), isInboxLast: false, isComplete: false });
    await this.rebuild({ last, isResync: false });
    return found(this.#rebuilt as unknown as StreamPosition);
  }

  async #decode(sign: Signer, hashes: NameHashes, life: number): Promise<GivenPosition | undefined> {
    const decoded = decodeClientCursor(sign, this.#after);
    const { inbox, isInboxLast, isComplete, check, hashed, named } = decoded;
    if (decoded.life !== life) return undefined;
    const conversations = new Map<string, ConversationPosition>(named);
    const epochBits = new Map<string, number>();
    const given = { position: { inbox, conversations, isInboxLast, isComplete }, epochBits, check };
    if (hashed.length === 0) return given;
    const listed = await membershipsOf(this.#context.directory, this.#identity.user);
    const add = (candidates: ReadonlySet<string>): boolean => {
      hashes.see(candidates);
      let isWhole = true;
      for (const { hash, epochBits: bits, position } of hashed) {
        if (hashes.isAmbiguous(hash)) throw ambiguous();
        const name = hashes.nameOf(hash);
        if (name !== undefined && candidates.has(name)) {
          conversations.set(name, position);
          epochBits.set(name, bits);
        }
        isWhole &&= name !== undefined && conversations.has(name);
      }
      return isWhole;
    };
    if (add(new Set(listed.map(({ conversation }) => conversation)))) return given;
    // Where the user has left, only the position tells which entries from before were handed over.
    const seqId = typeof inbox === 'string' ? seqIdOf(inbox) : (inbox ?? 0n);
    for (const range of [{ after: seqId }, { before: seqId + 1n, reverse: true }])
      if (add(await this.#conversationsIn(range))) return given;
    // The rest are conversations that the user has left.
    return { ...given, check: undefined };
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
}

/** A position, and what tells the epochs of its conversations. */
interface GivenPosition {
  readonly position: StreamPosition;
  readonly epochBits: ReadonlyMap<string, number>;
  /** See `ClientCursor`; `undefined` if not all names were found. */
  readonly check: number | undefined;
}

function found(position: StreamPosition): GivenPosition {
  return { position, epochBits: new Map(), check: 0 };
}

/** Returns `false` if a conversation does not hold any more what the client has read of it. */
function setEpochs(
  { position: { conversations }, epochBits, check }: GivenPosition,
  hashes: NameHashes,
  heads: ReadonlyMap<string, Head>,
): boolean {
  let sum = 0;
  for (const [name, bits] of epochBits) {
    const position = conversations.get(name) as ConversationPosition;
    const { seqId } = furthestOf(position);
    const { epoch, lastSeqId, ancestors = [] } = heads.get(name) as Head;
    const epochs = [{ epoch, seqId: lastSeqId }, ...ancestors, { epoch: '', seqId: 0n }];
    const tag = epochs
      .filter((each) => each.seqId >= seqId)
      .map((each) => tagOf(each.epoch))
      .find((each) => epochBitsOf(each) === bits);
    if (tag === undefined) return false;
    conversations.set(name, { ...position, epoch: tag });
    sum ^= hashes.checkOf(name, tag);
  }
  return check === undefined || sum >>> 0 === check;
}

/** Cursors made from here on name the conversation. */
function ambiguous(): TimelineError {
  const message = `after fits two conversations of the user: begin again with ''`;
  return new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'after' });
}
