import type { StoredMessage } from './entries.js';

/**
 * Decides about an action before any of it is written or read: `false` refuses it with `TIMELINE_FORBIDDEN`. Asked
 * whenever the call names a user, and never for a call of the server itself, which names none. Has 30 seconds for its
 * answer, then the call rejects with `TIMELINE_UNAVAILABLE`; an answer that is no boolean is
 * `TIMELINE_INVALID_ARGUMENT` with `authorize` as `argument`. {@link membersOnly} makes one.
 *
 * @example
 * const members = membersOnly();
 * const authorize: Authorize = async (action) =>
 *   action.kind === 'join' ? isAdmin(action.user, action.conversation) : members(action);
 */
export type Authorize = (action: SyncAction) => boolean | Promise<boolean>;

/** An action of a user, for {@link Authorize}. */
export interface SyncAction {
  /** `read` is `messages`; other kinds are named like their calls. */
  readonly kind:
    | 'send'
    | 'edit'
    | 'recall'
    | 'join'
    | 'leave'
    | 'members'
    | 'read'
    | 'mark-read'
    | 'settings'
    | 'signal'
    | 'clear'
    | 'drop'
    | 'retain';
  /** Name of the user who acts: the sender, `by`, or the user whose view it is. */
  readonly user: string;
  /** Name of the conversation. */
  readonly conversation: string;
  /** For `edit` and `recall`: the message to change. Absent if there is none, or it does not decode here. */
  readonly target?: StoredMessage<unknown> | undefined;
  /** For `join` and `leave`: names of the users who come or go. */
  readonly users?: readonly string[] | undefined;
  /** Resolves with `true` if the user is a member now; see {@link MessageSync.isMember}. Looked up once. */
  isMember(): Promise<boolean>;
  /** Resolves with `true` if the user was a member and has left. Needs a directory that keeps memberships. */
  wasMember(): Promise<boolean>;
}
