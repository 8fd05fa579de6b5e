import type { Authorize } from '../types.js';

/**
 * Makes an {@link Authorize} that allows actions of members only. Former members may still read, up to their leave.
 * Messages are edited and recalled by their senders. Nobody may add other users, drop a conversation or set what it
 * retains: the server does that itself, by calls without `by`. Any member may remove another.
 *
 * @example
 * const sync = await openMessageSync<Text>({ adapter, authorize: membersOnly() });
 */
export function membersOnly(): Authorize {
  return async (action) => {
    const { kind, user, users = [], target } = action;
    if (kind === 'drop' || kind === 'retain') return false;
    if (kind === 'join' && users.some((name) => name !== user)) return false;
    if (target && target.sender !== user) return false;
    return (await action.isMember()) || (kind === 'read' && (await action.wasMember()));
  };
}
