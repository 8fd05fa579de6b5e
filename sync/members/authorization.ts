import { TimelineError } from '../../src/index.js';
import { describeValue } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import type { SyncAction } from '../types.js';
import { lastLeaves } from './last-leaves.js';
import { isMemberNow } from './present-members.js';

/** An action of `user`; of the server itself if `undefined`. */
export interface PermissionRequest extends Omit<SyncAction, 'user' | 'isMember' | 'wasMember'> {
  readonly user: string | undefined;
}

/** Asks `authorize`. Throws `TIMELINE_FORBIDDEN` if it refuses. */
export async function checkPermission<M>(context: Context<M>, request: PermissionRequest): Promise<void> {
  const { authorize } = context;
  const { user, kind, conversation, target, users } = request;
  if (!authorize || user === undefined) return;
  let present: Promise<boolean> | undefined;
  const isMember = () => {
    present ??= isMemberNow(context, conversation, user);
    return present;
  };
  const action: SyncAction = {
    ...{ kind, user, conversation },
    ...(target && { target }),
    ...(users && { users }),
    isMember,
    wasMember: async () => !(await isMember()) && (await hasEverLeft(context, conversation, user)),
  };
  if (await authorize(action)) return;
  const message = `${describeValue(user)} may not do this in ${describeValue(conversation)}: ${kind}`;
  throw new TimelineError('TIMELINE_FORBIDDEN', message, { timeline: conversation });
}

/** Returns `true` for a present member too, who has left and come back. */
export async function hasEverLeft<M>(
  { store }: Pick<Context<M>, 'store'>,
  conversation: string,
  user: string,
): Promise<boolean> {
  return (await lastLeaves(store, [{ conversation, user }]))[0] !== 0n;
}
