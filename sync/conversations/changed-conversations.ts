import { type Cursor, epochOf, type Head, isTimelineError, seqIdOf, type TimelineId } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import { currentModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { timelineOf } from '../shared/names.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Membership, Synced } from '../types.js';

const INBOX_PAGE = 500;
const CONVERSATIONS_PER_CALL = 500;

/** A conversation that has changed. */
export interface ChangedConversation {
  readonly membership: Membership;
  /** The user has left it. */
  readonly hasLeft: boolean;
  /** A read position that the user's inbox tells of; the stored one may follow. */
  readonly readPosition: Cursor | undefined;
}

/** A conversation whose own Timeline tells of changes. */
interface Followed {
  epoch: string;
  lastSeqId: bigint;
  /** The conversation may still begin in either mode. */
  isOpen: boolean;
}

/**
 * Finds the conversations of a user that have changed: by the inbox, and those in read mode by their heads. Holds names
 * and positions only, however many changes wait.
 */
export class ChangedConversations<M> {
  readonly #context: Context<M>;
  readonly #user: string;
  readonly #changed = new Map<string, ChangedConversation>();
  readonly #followed = new Map<string, Followed>();
  #memberships = new Map<string, Membership>();
  #inbox: string | bigint = 0n;
  /** `LibrarySettings.life` at the last look. */
  #life = 0;
  #allChanged = false;

  constructor(context: Context<M>, user: string) {
    this.#context = context;
    this.#user = user;
  }

  /** Finds the present positions: what comes after them is a change. The inbox is first, as in a resync. */
  async start(): Promise<void> {
    const { directory, settings, sync } = this.#context;
    this.#inbox = (await sync.timeline(this.#user).head()).lastSeqId;
    const [memberships, { mayUseReadMode, life }] = await Promise.all([
      membershipsOf(directory, this.#user),
      settings(),
    ]);
    this.#life = life;
    this.#memberships = new Map(memberships.map((each) => [each.conversation, each]));
    if (mayUseReadMode) await this.#followReadMode(memberships.map(({ conversation }) => conversation));
  }

  /** The Timelines that give hints of changes. */
  get watched(): { readonly inbox: TimelineId; readonly state: TimelineId; readonly store: TimelineId[] } {
    return { inbox: this.#user, state: timelineOf.memberships(this.#user), store: [...this.#followed.keys()] };
  }

  /** Looks for changes, and returns some of those that were found and not deleted yet, the oldest first. */
  async look(limit: number): Promise<ChangedConversation[]> {
    const { settings, libraryLife } = this.#context;
    libraryLife.look();
    const { life } = await settings();
    // A restored library may have lost entries of any conversation.
    if (life !== this.#life) this.#allChanged = true;
    this.#life = life;
    const touched = await this.#readInbox();
    await this.#compareMemberships();
    await this.#compareHeads();
    if (this.#allChanged) for (const name of this.#memberships.keys()) touched.set(name, touched.get(name));
    this.#allChanged = false;
    for (const [conversation, readPosition] of touched) this.#add(conversation, readPosition);
    return [...this.#changed.values()].slice(0, limit);
  }

  /** Call it once a change has been handed over. */
  delete({ membership: { conversation } }: ChangedConversation): void {
    this.#changed.delete(conversation);
  }

  #add(conversation: string, told?: Cursor): void {
    const membership = this.#memberships.get(conversation);
    if (!membership) return;
    const readPosition = laterRead(this.#changed.get(conversation)?.readPosition, told);
    this.#changed.set(conversation, { membership, hasLeft: false, readPosition });
  }

  /** Reads the inbox to its end. Returns the conversations, and the newest read position of each, if any. */
  async #readInbox(): Promise<Map<string, Cursor | undefined>> {
    const inbox = this.#context.sync.timeline(this.#user);
    const touched = new Map<string, Cursor | undefined>();
    for (;;) {
      try {
        const page = await inbox.read({ after: this.#inbox, limit: INBOX_PAGE, ...lenient });
        if (page.truncated) this.#allChanged = true;
        for (const { message, deleted } of page.entries) if (!deleted) this.#addInboxEntry(message, touched);
        this.#inbox = page.next;
        if (page.upToDate) return touched;
      } catch (error) {
        const code = isTimelineError(error) ? error.code : undefined;
        if (code !== 'TIMELINE_EPOCH_CHANGED' && code !== 'TIMELINE_ROLLED_BACK') throw error;
        this.#inbox = 0n;
        this.#allChanged = true;
      }
    }
  }

  #addInboxEntry(copy: Synced<M>, touched: Map<string, Cursor | undefined>): void {
    if (isUndecodable(copy)) {
      this.#allChanged = true;
      return;
    }
    const { conversation } = copy;
    touched.set(conversation, laterRead(touched.get(conversation), copy.kind === 'read' ? copy.position : undefined));
    if (copy.kind !== 'mode') return;
    if (copy.mode === 'write') this.#followed.delete(conversation);
    else this.#followed.set(conversation, { epoch: '', lastSeqId: 0n, isOpen: false });
  }

  async #compareMemberships(): Promise<void> {
    const { directory, settings } = this.#context;
    const before = this.#memberships;
    const memberships = await membershipsOf(directory, this.#user);
    this.#memberships = new Map(memberships.map((each) => [each.conversation, each]));
    const joined: string[] = [];
    for (const { conversation, joinedAt } of memberships) {
      if (before.get(conversation)?.joinedAt === joinedAt) continue;
      joined.push(conversation);
      this.#add(conversation);
    }
    for (const [conversation, membership] of before) {
      if (this.#memberships.has(conversation)) continue;
      this.#followed.delete(conversation);
      this.#changed.set(conversation, { membership, hasLeft: true, readPosition: undefined });
    }
    if (joined.length > 0 && (await settings()).mayUseReadMode) await this.#followReadMode(joined);
  }

  async #compareHeads(): Promise<void> {
    const names = [...this.#followed.keys()];
    if (names.length === 0) return;
    const heads = await this.#context.store.heads(names);
    const begun: string[] = [];
    for (const [i, conversation] of names.entries()) {
      const followed = this.#followed.get(conversation) as Followed;
      const { epoch, lastSeqId } = heads[i] as Head;
      if (lastSeqId === followed.lastSeqId && epoch === followed.epoch) continue;
      Object.assign(followed, { epoch, lastSeqId });
      this.#add(conversation);
      if (followed.isOpen) begun.push(conversation);
    }
    if (begun.length > 0) await this.#followReadMode(begun);
  }

  /** Follows those of the conversations whose changes may not come to the inbox. */
  async #followReadMode(conversations: readonly string[]): Promise<void> {
    for (let i = 0; i < conversations.length; i += CONVERSATIONS_PER_CALL) {
      const some = conversations.slice(i, i + CONVERSATIONS_PER_CALL);
      const heads = await this.#context.store.heads(some);
      const modes = await currentModes(this.#context, some);
      for (const [j, conversation] of some.entries()) {
        const mode = modes[j];
        if (mode?.mode === 'write' && mode.isDone) this.#followed.delete(conversation);
        else {
          const { epoch, lastSeqId } = heads[j] as Head;
          this.#followed.set(conversation, { epoch, lastSeqId, isOpen: mode === undefined });
        }
      }
    }
  }
}

/** Of two epochs of the conversation, the inbox tells of the newer one later. */
function laterRead(known: Cursor | undefined, told: Cursor | undefined): Cursor | undefined {
  if (known === undefined || told === undefined) return told ?? known;
  return epochOf(told) !== epochOf(known) || seqIdOf(told) > seqIdOf(known) ? told : known;
}
