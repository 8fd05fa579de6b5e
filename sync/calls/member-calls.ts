import { TimelineError } from '../../src/index.js';
import type { Sender } from '../outbox/sender.js';
import { type Context, checkOpen } from '../shared/context.js';
import { checkConversation, checkUsers } from '../shared/names.js';
import type { Sent } from '../types.js';

/** Users in one join or leave entry. */
const USERS_PER_ENTRY = 500;

/** The public calls about the members of conversations. */
export class MemberCalls<M> {
  readonly #context: Context<M>;
  readonly #sender: Sender<M>;

  constructor(context: Context<M>, sender: Sender<M>) {
    this.#context = context;
    this.#sender = sender;
  }

  async change(kind: 'join' | 'leave', conversation: string, users: string | readonly string[]): Promise<Sent> {
    checkConversation(conversation);
    const names = checkUsers(users);
    checkOpen(this.#context);
    if (!this.#context.directory.apply) {
      const message = `the directory does not record joins and leaves, so ${kind} would change nothing`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'directory.apply' });
    }
    const parts: Sent[] = [];
    for (let i = 0; i < names.length; i += USERS_PER_ENTRY) {
      const entry = { kind, users: names.slice(i, i + USERS_PER_ENTRY) };
      parts.push(await this.#sender.append(conversation, entry, undefined));
    }
    const last = parts.at(-1) as Sent;
    const invalidateMode = () => this.#sender.invalidateMode(conversation);
    last.delivered.then(invalidateMode, invalidateMode);
    return last;
  }
}
