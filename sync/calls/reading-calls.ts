import type { Cursor } from '../../src/index.js';
import {
  checkCount,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  isDecimal,
  type OptionNames,
  throwIfAborted,
} from '../../src/toolkit/index.js';
import { readMessages } from '../conversations/message-page.js';
import { checkPermission } from '../members/authorization.js';
import { type Context, checkOpen } from '../shared/context.js';
import { checkConversation, checkUser } from '../shared/names.js';
import type { MessagePage, MessagesOptions } from '../types.js';

const MESSAGES: OptionNames<MessagesOptions> = { user: true, before: true, after: true, limit: true, signal: true };
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 10_000;

/** The public calls that read conversations. */
export class ReadingCalls<M> {
  readonly #context: Context<M>;

  constructor(context: Context<M>) {
    this.#context = context;
  }

  async messages(conversation: string, given?: MessagesOptions): Promise<MessagePage<M>> {
    checkConversation(conversation);
    const options = checkOptions(given, MESSAGES);
    const { limit = DEFAULT_LIMIT, signal } = options;
    const user = options.user === undefined ? undefined : checkUser(options.user);
    const before = checkPosition(options.before, 'before');
    const after = checkPosition(options.after, 'after');
    checkCount(limit, 'limit', { most: MAX_LIMIT });
    throwIfAborted(signal);
    checkOpen(this.#context);
    await checkPermission(this.#context, { kind: 'read', user, conversation });
    return readMessages(this.#context, conversation, { user, before, after, limit, signal });
  }
}

/** Returns a SeqId as a bigint, and a cursor as it is. */
function checkPosition(position: MessagesOptions['after'], argument: string): Cursor | bigint | undefined {
  if (position === undefined) return undefined;
  if (typeof position === 'bigint' || isDecimal(position)) return checkSeqId(position, argument, 0n);
  if (typeof position === 'string') return position;
  throw invalidArgument(argument, `must be a cursor or a SeqId, not ${describeValue(position)}`);
}
