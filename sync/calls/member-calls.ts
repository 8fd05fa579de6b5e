import { type Nullable, TimelineError } from '../../src/index.js';
import { checkOptions, type OptionNames } from '../../src/toolkit/index.js';
import { checkPermission, hasEverLeft } from '../members/authorization.js';
import { isMemberNow } from '../members/present-members.js';
import { checkSignalBody, publishSignal } from '../members/signals.js';
import type { Sender } from '../outbox/sender.js';
import { type Context, checkOpen } from '../shared/context.js';
import { each } from '../shared/listing.js';
import { checkActor, checkConversation, checkKey, checkUser, checkUsers } from '../shared/names.js';
import type { MemberChangeOptions, OutgoingSignal, Sent } from '../types.js';

/** Users in one join or leave entry. */
const USERS_PER_ENTRY = 500;
const CHANGE: OptionNames<MemberChangeOptions> = { by: true, key: true };

/** The public calls about the members of conversations. */
export class MemberCalls<M> {
  readonly #context: Context<M>;
  readonly #sender: Sender<M>;

  constructor(context: Context<M>, sender: Sender<M>) {
    this.#context = context;
    this.#sender = sender;
  }

  async change(
    kind: 'join' | 'leave',
    conversation: string,
    users: string | readonly string[],
    options?: Nullable<MemberChangeOptions> | null,
  ): Promise<Sent> {
    checkConversation(conversation);
    const names = checkUsers(users);
    const { by: actor, key: givenKey } = checkOptions(options, CHANGE);
    const by = checkActor(actor);
    const key = checkKey(givenKey);
    checkOpen(this.#context);
    await checkPermission(this.#context, { kind, user: by, conversation, users: names });
    if (!this.#context.directory.apply) {
      const message = `the directory does not record joins and leaves, so ${kind} would change nothing`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'directory.apply' });
    }
    const parts: Sent[] = [];
    for (let i = 0; i < names.length; i += USERS_PER_ENTRY) {
      const entry = { kind, users: names.slice(i, i + USERS_PER_ENTRY), ...(by !== undefined && { by }) };
      checkOpen(this.#context);
      parts.push(await this.#sender.append(conversation, entry, key && `${kind}:${parts.length}:${key}`));
    }
    const last = parts.at(-1) as Sent;
    return last;
  }

  async signal(conversation: string, { from, body }: OutgoingSignal): Promise<void> {
    checkConversation(conversation);
    checkUser(from, 'from');
    checkSignalBody(body);
    checkOpen(this.#context);
    const { adapter, signals } = this.#context.sync.capabilities;
    if (signals === 'none') {
      const message = `the ${adapter} adapter of the sync library does not pass signals on`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'signals' });
    }
    await checkPermission(this.#context, { kind: 'signal', user: from, conversation });
    if (!(await isMemberNow(this.#context, conversation, from))) {
      const message = `${JSON.stringify(from)} is no member of ${JSON.stringify(conversation)}`;
      throw new TimelineError('TIMELINE_FORBIDDEN', message, { timeline: conversation });
    }
    await publishSignal(this.#context, { conversation, from, body, sentAt: this.#context.clock.now() });
  }

  async isMember(conversation: string, user: string): Promise<boolean> {
    checkConversation(conversation);
    checkUser(user);
    checkOpen(this.#context);
    return isMemberNow(this.#context, conversation, user);
  }

  async wasMember(conversation: string, user: string): Promise<boolean> {
    return !(await this.isMember(conversation, user)) && (await hasEverLeft(this.#context, conversation, user));
  }

  members(conversation: string): AsyncIterable<string> {
    return this.#list(checkConversation(conversation));
  }

  async *#list(conversation: string): AsyncGenerator<string, void, undefined> {
    checkOpen(this.#context);
    yield* each(this.#context.directory.members(conversation));
  }
}
