import type { Head, TimelineId } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import type { Membership } from '../types.js';

/** Everything to know before a page is read, looked up in one round trip. */
export interface StreamHeads {
  /** Head of the device's log; absent for a device without one. */
  readonly deviceLog: Head | undefined;
  /** Heads of the followed conversations. */
  readonly conversations: ReadonlyMap<string, Head>;
  /** `true` if any conversation of the library may be in read mode. */
  readonly mayUseReadMode: boolean;
  /** The user's memberships, if asked for and any conversation may be in read mode. */
  readonly memberships: readonly Membership[] | undefined;
  /** Signs cursors. */
  readonly secret: string;
  /** See `LibrarySettings`. */
  readonly life: number;
}

export async function readHeads<M>(
  { store, state, directory, settings, libraryLife }: Context<M>,
  { user, log }: { readonly user: string; readonly log: TimelineId | undefined },
  followed: readonly string[],
  { needsMemberships }: { readonly needsMemberships: boolean },
): Promise<StreamHeads> {
  libraryLife.look();
  const [[device], heads, { secret, life, mayUseReadMode, memberships }] = await Promise.all([
    log === undefined ? [] : state.heads([log]),
    followed.length === 0 ? [] : store.heads(followed),
    settings().then(async ({ mayUseReadMode, secret, life }) => ({
      secret,
      life,
      mayUseReadMode,
      memberships: needsMemberships && mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  return {
    deviceLog: device,
    conversations: new Map(followed.map((conversation, i) => [conversation, heads[i] as Head])),
    mayUseReadMode,
    memberships,
    secret,
    life,
  };
}
