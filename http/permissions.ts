import { type SeqIdLike, TimelineError } from '../src/index.js';
import { describeValue } from '../src/toolkit/index.js';
import { type Authorize, type MessageSync, membersOnly, type StoredMessage, type SyncAction } from '../sync/index.js';
import { decisionOf } from './user-code.js';

type Question = Pick<SyncAction, 'kind' | 'user' | 'conversation' | 'users'>;

/** Asks whether users may do what they want to. The `MessageSync` asks its own rule itself, but for `members`. */
export class Permissions<M> {
  readonly #sync: MessageSync<M>;
  readonly #authorize: Authorize | undefined;

  constructor(sync: MessageSync<M>, given: Authorize | undefined) {
    this.#sync = sync;
    this.#authorize = given ?? (sync.authorize ? undefined : membersOnly());
  }

  /** Throws `TIMELINE_FORBIDDEN` for an action that is refused. */
  async check(question: Question): Promise<void> {
    if (this.#authorize) await this.#ask(this.#authorize, question, undefined);
    if (question.kind === 'members' && this.#sync.authorize) await this.#ask(this.#sync.authorize, question, undefined);
  }

  /** The same for a change of the message `seqId`. */
  async checkChange(question: Question & { readonly kind: 'edit' | 'recall' }, seqId: SeqIdLike): Promise<void> {
    if (!this.#authorize) return;
    const { conversation } = question;
    const found = this.#sync.history(conversation).get(seqId, { onUndecodable: 'throw' });
    const target = await found.then(
      (entry) => (entry?.message?.kind === 'message' ? entry.message : undefined),
      () => undefined,
    );
    await this.#ask(this.#authorize, question, target);
    await found;
    // Without a look at the message, the rule may have allowed to change one that somebody else appends right now.
    if (target) return;
    const message = `there is no message ${seqId} in ${describeValue(conversation)}`;
    throw new TimelineError('TIMELINE_NOT_FOUND', message, { timeline: conversation });
  }

  async #ask(authorize: Authorize, question: Question, target: StoredMessage<M> | undefined): Promise<void> {
    const { kind, user, conversation } = question;
    let present: Promise<boolean> | undefined;
    const isMember = () => {
      present ??= this.#sync.isMember(conversation, user);
      return present;
    };
    const action: SyncAction = {
      ...question,
      ...(target && { target }),
      isMember,
      wasMember: async () => !(await isMember()) && this.#sync.wasMember(conversation, user),
    };
    if (await decisionOf('authorize', authorize(action))) return;
    const message = `${describeValue(user)} may not do this in ${describeValue(conversation)}: ${kind}`;
    throw new TimelineError('TIMELINE_FORBIDDEN', message, { timeline: conversation });
  }
}
