import {
  checkCount,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  throwIfAborted,
} from '../../src/toolkit/index.js';
import { readMessages } from '../conversations/message-page.js';
import { checkPermission } from '../members/authorization.js';
import { type Context, checkOpen } from '../shared/context.js';
import { checkConversation, checkUser } from '../shared/names.js';
import type { MessagePage, MessagesOptions } from '../types.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 10_000;

/** The public calls that read conversations. */
export class ReadingCalls<M> {
  readonly #context: Context<M>;

  constructor(context: Context<M>) {
    this.#context = context;
  }

  async messages(conversation: string, options: MessagesOptions = {}): Promise<MessagePage<M>> {
    checkConversation(conversation);
    const { before, after, limit = DEFAULT_LIMIT, signal } = checkOptions(options);
    const user = options.user === undefined ? undefined : checkUser(options.user);
    checkPosition(before, 'before');
    checkPosition(after, 'after');
    checkCount(limit, 'limit', { most: MAX_LIMIT });
    throwIfAborted(signal);
    checkOpen(this.#context);
    await checkPermission(this.#context, { kind: 'read', user, conversation });
    return readMessages(this.#context, conversation, { user, before, after, limit, signal });
  }
}

function checkPosition(position: unknown, argument: string): void {
  if (typeof position === 'bigint') checkSeqId(position, argument, 0n);
  else if (position !== undefined && typeof position !== 'string')
    throw invalidArgument(argument, `must be a cursor or a bigint, not ${describeValue(position)}`);
}
