import type { Abortable, SeqIdLike } from '../../src/index.js';
import {
  ABORTABLE,
  BatchIterator,
  checkCount,
  checkFields,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  type OptionNames,
} from '../../src/toolkit/index.js';
import { ConversationChanges } from '../conversations/conversation-changes.js';
import { ConversationList, type ListRange } from '../conversations/conversation-list.js';
import { decodeListPosition } from '../conversations/list-position.js';
import { markRead, readPositions } from '../conversations/read-positions.js';
import { SettingsLog } from '../conversations/settings-log.js';
import { checkPermission } from '../members/authorization.js';
import { type Context, checkOpen } from '../shared/context.js';
import { each } from '../shared/listing.js';
import { checkConversation, checkUser, checkUsers } from '../shared/names.js';
import type { ConversationSettings, ConversationSummary, ListOptions, UnreadTotals } from '../types.js';

interface UnreadOptions {
  readonly atMost?: number | undefined;
}

const DEFAULT_AT_MOST = 999;
const LIST: OptionNames<ListOptions> = { limit: true, after: true, atMost: true };
const UNREAD: OptionNames<UnreadOptions> = { atMost: true };
const SETTINGS: OptionNames<Partial<ConversationSettings>> = { muted: true, archived: true, pinned: true };

/** The public calls about a user's list of conversations, read positions and settings. */
export class ConversationCalls<M> {
  readonly #context: Context<M>;
  readonly #settings: SettingsLog<M>;
  readonly #list: ConversationList<M>;
  readonly #changes: ConversationChanges<M>;

  constructor(context: Context<M>) {
    this.#context = context;
    this.#settings = new SettingsLog(context);
    this.#list = new ConversationList(context, this.#settings);
    this.#changes = new ConversationChanges(context, this.#list);
  }

  conversations(user: string, options?: ListOptions): AsyncIterable<ConversationSummary<M>> {
    checkUser(user);
    const { limit, after, atMost } = checkOptions(options, LIST);
    return this.#conversations(user, {
      limit: limit === undefined ? Number.POSITIVE_INFINITY : checkCount(limit, 'limit'),
      after: after === undefined ? undefined : decodeListPosition(after),
      atMost: checkAtMost(atMost),
    });
  }

  async conversation(user: string, conversation: string): Promise<ConversationSummary<M> | undefined> {
    checkUser(user);
    checkConversation(conversation);
    checkOpen(this.#context);
    return this.#list.one(user, conversation, DEFAULT_AT_MOST);
  }

  conversationChanges(user: string, options?: Abortable): AsyncIterable<ConversationSummary<M>> {
    return BatchIterator.from(() => {
      checkUser(user);
      const { signal } = checkOptions(options, ABORTABLE);
      checkOpen(this.#context);
      return this.#changes.of(user, signal, DEFAULT_AT_MOST);
    });
  }

  async unread(user: string, options?: UnreadOptions): Promise<UnreadTotals> {
    checkUser(user);
    const atMost = checkAtMost(checkOptions(options, UNREAD).atMost);
    checkOpen(this.#context);
    return this.#list.totals(user, atMost);
  }

  async markRead(user: string, conversation: string, seqId: SeqIdLike): Promise<bigint> {
    checkOpen(this.#context);
    checkUser(user);
    checkConversation(conversation);
    const position = checkSeqId(seqId, 'seqId', 0n);
    await checkPermission(this.#context, { kind: 'mark-read', user, conversation });
    return markRead(this.#context, user, conversation, position);
  }

  async readPositions(conversation: string, users?: readonly string[] | null): Promise<Map<string, bigint>> {
    checkConversation(conversation);
    const names = users === undefined || users === null ? undefined : checkUsers(users);
    checkOpen(this.#context);
    return readPositions(this.#context, conversation, each(names ?? this.#context.directory.members(conversation)));
  }

  async configure(user: string, conversation: string, settings: Partial<ConversationSettings>): Promise<void> {
    checkUser(user);
    checkConversation(conversation);
    const checked = checkSettings(settings);
    checkOpen(this.#context);
    await checkPermission(this.#context, { kind: 'settings', user, conversation });
    await this.#settings.change(user, conversation, checked);
  }

  async *#conversations(user: string, range: ListRange): AsyncGenerator<ConversationSummary<M>, void, undefined> {
    await this.#changes.started(user);
    yield* this.#list.of(user, range);
  }
}

function checkAtMost(value: number | undefined): number {
  return checkCount(value ?? DEFAULT_AT_MOST, 'atMost');
}

function checkSettings(settings: Partial<ConversationSettings>): Partial<ConversationSettings> {
  const given = Object.entries(checkFields(settings, SETTINGS, 'settings')).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (typeof value !== 'boolean')
      throw invalidArgument(`settings.${name}`, `must be a boolean, not ${describeValue(value)}`);
  }
  return Object.fromEntries(given);
}
